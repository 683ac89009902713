import { describe, expect, it } from 'vitest';
import type { CheckResult, Manifest } from '../../../src/manifest/schema.ts';
import { renderJunit } from '../../../src/ui/junit.ts';
import { causesOf, countChecks, variantsOf, verdictOf } from '../../../src/ui/outcome.ts';
import { renderReport } from '../../../src/ui/report.ts';
import { renderSummary } from '../../../src/ui/summary.ts';
import { fixture } from './manifest-fixture.ts';

const CAUSE = 'Answers leave with TTL 1: nobody gets them';
const MESSAGE = 'of 57 datagrams at least one had a TTL of 1';
const UNTRIED = 'not run because stun failed: no answer over UDP';

/** The fixture with changed results for some checks of some packages, and for their steps. */
function changed(
  names: (variant: string) => boolean,
  checks: Record<string, Partial<CheckResult>>,
  status: 'done' | 'failed' = 'failed',
): Manifest {
  const manifest = fixture();
  const steps = manifest.steps.map((step) => {
    if (step.checks === undefined || !names(`${step.target} / ${step.arch}`)) return step;
    const all = step.checks.map((check) => ({ ...check, ...checks[check.id] }));
    const error = status === 'failed' ? { error: `${CAUSE}\n1 check failed, 3 could not run` } : {};
    return { ...step, status, checks: all, ...error };
  });
  return { ...manifest, steps };
}

const BLOCKED = { status: 'blocked', blockedBy: 'stun', message: UNTRIED, figures: {} } as const;
/** The check results of a server that does not answer over UDP. */
const SILENT: Record<string, Partial<CheckResult>> = {
  stun: { status: 'failed', message: MESSAGE, cause: CAUSE },
  'turn-udp': BLOCKED,
  'turn-dtls': BLOCKED,
  'metrics-agree': BLOCKED,
};
const ONE = 'debian-13 / arm64';
const one = changed((name) => name === ONE, SILENT);
const all = changed(() => true, SILENT);
const onlyBlocked = changed((name) => name === ONE, { 'turn-udp': BLOCKED, 'turn-dtls': BLOCKED }, 'done');

const summaryOf = (manifest: Manifest, columns = 80) =>
  renderSummary(manifest, { dir: '/srv/dist', columns, color: false });
const reportOf = (manifest: Manifest) => renderReport(manifest, { turnbuildVersion: '1.0.0' });
const flat = (text: string) => text.replace(/\s+/g, ' ');

describe('the outcome of blocked checks', () => {
  it('is a failure, even without a failed check', () => {
    expect(verdictOf(one)).toBe('failed');
    expect(verdictOf(onlyBlocked)).toBe('failed');
    expect(summaryOf(onlyBlocked)).toMatch(/^coturn 4\.6\.1\+turnbuild-1: 4 packages, FAILED\n/);
    expect(reportOf(onlyBlocked)).toContain('<p class="verdict failed">');
  });

  it('is counted separately', () => {
    const of = variantsOf(one).find(({ name }) => name === ONE);
    expect(countChecks(of?.checks ?? [])).toEqual({
      passed: 16,
      failed: 1,
      'cannot-here': 1,
      'not-applicable': 0,
      deselected: 0,
      accepted: 0,
      blocked: 3,
    });
  });

  it('lists each cause once, with its packages', () => {
    expect(causesOf(variantsOf(one))).toEqual([{ cause: CAUSE, variants: [ONE] }]);
    expect(causesOf(variantsOf(all))).toEqual([
      { cause: CAUSE, variants: variantsOf(all).map(({ name }) => name) },
    ]);
    expect(causesOf(variantsOf(fixture()))).toEqual([]);
  });

  it('is accepted without a cause if the failure is accepted', () => {
    const accepted = { ...SILENT.stun, status: 'accepted' as const, advisories: ['CVE-2026-1'] };
    const manifest = changed((name) => name === ONE, { stun: accepted }, 'done');
    expect(verdictOf(manifest)).toBe('accepted');
    expect(causesOf(variantsOf(manifest))).toEqual([]);
    expect(summaryOf(manifest)).not.toContain(CAUSE);
    expect(reportOf(manifest)).not.toContain(CAUSE);
    expect(renderJunit(manifest)).not.toContain('<failure');
  });
});

describe('the summary of blocked checks', () => {
  it('names the cause and its package before the table of packages', () => {
    const text = summaryOf(one);
    expect(text.split('\n')[1]).toBe(`  - ${ONE}: ${CAUSE}`);
    expect(text.indexOf(CAUSE)).toBeLessThan(text.indexOf('PACKAGE'));
  });

  it('names a cause of all packages once, without their names', () => {
    const text = summaryOf(all);
    expect(text.split('\n')[1]).toBe(`  - ${CAUSE}`);
    expect(text.split(CAUSE)).toHaveLength(2);
  });

  it('counts them in the line of their package', () =>
    expect(summaryOf(one, 120)).toMatch(/ {2}16\/21 passed, 1 FAILED, 3 blocked, 1 not run\n/));

  it('lists failures, and counts the checks that each blocks instead of listing them', () => {
    const text = flat(summaryOf(one));
    expect(text).toContain(`${ONE}: Answers STUN (stun): ${MESSAGE}`);
    expect(text).toContain(`- ${ONE}: 3 checks could not run (blocked by stun)`);
    expect(text).not.toContain(UNTRIED);
    expect(flat(summaryOf(onlyBlocked))).toContain(`- ${ONE}: 2 checks could not run (blocked by stun)`);
  });

  it('fits 80 columns in plain ASCII', () => {
    for (const manifest of [one, all, onlyBlocked])
      for (const line of summaryOf(manifest).split('\n')) expect(line).toMatch(/^[\x20-\x7e]{0,80}$/);
  });
});

describe('the report of blocked checks', () => {
  it('begins the failures with the causes, and ends them with checks that could not run', () => {
    const page = reportOf(one);
    const at = [
      '<section id="failures">',
      `<li><strong>${CAUSE}</strong> <small>${ONE}</small></li>`,
      `<pre>${MESSAGE}</pre>`,
      `<p>${ONE}: 3 checks could not run, blocked by <code>stun</code>. <a href="#not-run-blocked">Which ones</a></p>`,
      '<section id="packages">',
    ].map((text) => page.indexOf(text));
    expect(at).not.toContain(-1);
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(reportOf(fixture())).not.toContain('could not run');
  });

  it('names every package of a cause', () => {
    const names = variantsOf(all).map(({ name }) => name);
    expect(reportOf(all)).toContain(`<strong>${CAUSE}</strong> <small>${names.join(', ')}</small>`);
  });

  it('shows each as text in the matrix, and counts them', () => {
    const page = reportOf(one);
    expect(page.match(/<td class="blocked">/g)).toHaveLength(3);
    expect(page).toMatch(/<td class="blocked">[\s\S]*?·<\/span> blocked</);
    expect(page).toContain(UNTRIED);
    expect(page).toContain('<td>16 of 21 passed, 1 failed, 3 blocked, 1 unable to run here</td>');
    expect(page).toContain('Checks blocked');
    expect(reportOf(fixture())).not.toContain('Checks blocked');
  });

  it('shows the error of a step only if no check explains it', () => {
    const error = '1 check failed, 3 could not run';
    expect(reportOf(one)).not.toContain(error);
    const manifest = fixture();
    const steps = manifest.steps.map((step) =>
      step.id === 'verify-debian-13-arm64' ? { ...step, status: 'failed' as const, error } : step,
    );
    expect(reportOf({ ...manifest, steps })).toContain(`<pre>${error}</pre>`);
  });
});

describe('the JUnit file of blocked checks', () => {
  it('reports them as skipped with the reason, and the failure as a failure', () => {
    const cases = renderJunit(one).split('<testcase ').slice(1);
    const of = (id: string) => cases.filter((text) => text.includes(`"${id}: `) && text.includes(ONE));
    expect(of('turn-udp')).toHaveLength(1);
    expect(of('turn-udp')[0]).toContain('<skipped message="blocked by stun"/>');
    expect(of('turn-udp')[0]).not.toContain('<failure');
    expect(of('turn-udp')[0]).toContain(UNTRIED);
    expect(of('stun')[0]).toContain(MESSAGE);
    expect(of('stun')[0]).not.toContain('<skipped');
    const suites = renderJunit(one).match(/<testsuite [^>]*>/g) ?? [];
    expect(suites.find((text) => text.includes(ONE))).toMatch(/tests="21" .*failures="1" skipped="4"/);
  });
});
