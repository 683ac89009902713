import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/checks/check.ts';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { CHECKS } from '../../../src/checks/index.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { type Phase, type Runs, runsFor } from '../../../src/checks/needs.ts';
import type { LabFacts, Scenario } from '../../../src/lab/facts.ts';
import { nothing } from '../../../src/lab/nothing.ts';
import { type CheckSelection, EVERY_CHECK } from '../../../src/plan/check-selection.ts';
import { goodLab } from '../../support/lab-facts.ts';
import { goodFacts } from '../../support/verified-facts.ts';
import { portableFacts } from '../../support/verified-portable.ts';

const select = (parts: Partial<CheckSelection>): CheckSelection => ({ ...EVERY_CHECK, ...parts });
const only = (...names: string[]) => runsFor(CHECKS, select({ only: names }));

/** Names of facts and files by the phase that writes them (recipes/docker/verify, formats' folders). Logs are named after commands. */
const WRITTEN_BY: Record<Phase, RegExp> = {
  tarball: /^tarball\./,
  install: /^(install|rpm-verify)\.|^(unresolved\.txt|installed\.packages)$/,
  vectors: /^rfc5769check\./,
  shipped: /^(shipped|stun|anonymous|stranger)\./,
  utilities: /^(utilities|client|wrong|peer)\./,
  upgrades: /^(running|truncated|pre(inst)?-fails|postinst-fails|recovered|upgraded-running)\./,
  purge: /^(remove|purge)\./,
  distribution: /^(distribution|upgrade|upgraded|upgrade-purge|upgrade-remove|account|edited)\./,
};
/** Fields of the laboratory's facts and the scenarios that fill them. */
const FILLED_BY: Partial<Record<keyof LabFacts, readonly Scenario[]>> = {
  relays: ['relays'],
  ttl: ['relays'],
  sessions: ['relays'],
  answers: [
    ...(['binding', 'credentials', 'without an allocation', 'with an allocation'] as const),
    ...(['ending an allocation', 'denied peers'] as const),
    ...(['quota', 'ports', 'nonce', 'expiry', 'rest answers'] as const),
  ],
  independent: ['independent'],
  forbidden: ['forbidden'],
  capacity: ['capacity'],
  evenPort: ['even-port'],
  scrapes: ['metrics.scrapes'],
  metricsReach: ['metrics.private'],
  hostile: ['hostile'],
  sanitized: ['sanitized'],
  restSessions: ['rest sessions'],
  service: ['service', 'metadata', 'drain', 'reload'],
};

/** The facts if only these phases and scenarios had run. */
function narrowed(facts: PackageFacts, { phases, scenarios }: Runs): PackageFacts {
  const isWritten = (name: string) => phases.some((phase) => WRITTEN_BY[phase].test(name));
  const lab: LabFacts = { ...goodLab() };
  for (const [field, fillers] of Object.entries(FILLED_BY))
    if (!fillers.some((scenario) => scenarios.includes(scenario)))
      Object.assign(lab, { [field]: nothing()[field as keyof LabFacts] });
  return {
    ...facts,
    values: new Map([...facts.values].filter(([name]) => isWritten(name))),
    files: new Map([...facts.files].filter(([name]) => isWritten(name))),
    lab: scenarios.length === 0 ? undefined : lab,
  };
}

const NOTHING: Runs = { phases: [], scenarios: [] };
const everything = {
  deb: (): PackageFacts => ({ ...goodFacts(), lab: goodLab() }),
  rpm: (): PackageFacts => ({ ...portableFacts(), lab: goodLab() }),
};
const runs = (check: Check) => check.needs !== undefined;

describe.each(['deb', 'rpm'] as const)('checks of a .%s', (format) => {
  const facts = everything[format]();
  const passing = CHECKS.filter(
    (check) => runs(check) && judgeAll([check], facts)[0]?.status === 'passed',
  ).map((check) => [check.id, check] as const);

  it('pass on the recorded facts, except service.drain', () => {
    const others = CHECKS.filter(runs)
      .filter(({ applies }) => applies?.(facts.target) ?? true)
      .filter((check) => !passing.some(([, each]) => each === check));
    // coturn 4.6.1 cannot drain.
    expect(others.map(({ id }) => id)).toEqual(['service.drain']);
  });

  it.each(passing)('%s has the same result if only its own phases and scenarios run', (_, check) => {
    const own = runsFor([check], EVERY_CHECK);
    expect(judgeAll([check], narrowed(facts, own))).toEqual(judgeAll([check], facts));
  });

  it.each(passing)('%s does not pass if nothing runs', (_, check) => {
    expect(judgeAll([check], narrowed(facts, NOTHING))[0]?.status).not.toBe('passed');
  });
});

describe('a laboratory without results', () => {
  it('passes no check', () => {
    const facts = { ...everything.deb(), drains: true, lab: nothing() };
    const ofLab = CHECKS.filter(({ needs }) => (needs?.scenarios ?? []).length > 0);
    const results = judgeAll(ofLab, facts);
    expect(results.length).toBeGreaterThan(35);
    expect(results.filter(({ status }) => status === 'passed').map(({ id }) => id)).toEqual([]);
  });
});

describe('runsFor', () => {
  it('selects every phase and scenario by default', () => {
    const all = runsFor(CHECKS, EVERY_CHECK);
    expect(all.phases).toHaveLength(Object.keys(WRITTEN_BY).length);
    const scenarios = Object.values(FILLED_BY).flat();
    expect(all.scenarios).toEqual(expect.arrayContaining(scenarios));
  });

  it('selects nothing for checks that only inspect files', () => {
    expect(only('elf', 'package')).toEqual(NOTHING);
  });

  it('selects a scenario with its server', () => {
    expect(only('answers.quota')).toEqual({ phases: [], scenarios: ['limits', 'quota'] });
    expect(only('capacity')).toEqual({ phases: [], scenarios: ['capacity', 'even-port'] });
    expect(only('service.start')).toEqual({ phases: [], scenarios: ['service'] });
  });

  it('selects a phase with the phases that it depends on', () => {
    expect(only('server.stun')).toEqual({ phases: ['install', 'shipped'], scenarios: [] });
    expect(only('tarball')).toEqual({ phases: ['tarball'], scenarios: [] });
    expect(only('install.options').phases).toEqual(['install', 'purge', 'distribution']);
  });

  it('omits phases and scenarios that only skipped checks need', () => {
    const some = runsFor(CHECKS, select({ skip: ['packets', 'service', 'install'], reason: 'x' }));
    expect(some.scenarios).not.toEqual(expect.arrayContaining(['hostile']));
    expect(some.scenarios).not.toEqual(expect.arrayContaining(['sanitized']));
    expect(some.scenarios).not.toEqual(expect.arrayContaining(['service']));
    expect(some.phases).toEqual(['tarball', 'install', 'vectors', 'shipped', 'utilities']);
  });
});
