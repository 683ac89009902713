import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { metricsChecks } from '../../../src/checks/metrics-checks.ts';
import type { LabFacts } from '../../../src/lab/facts.ts';
import { badOf, blockedBy, goodLab, ids, plantedLab } from '../../support/lab-facts.ts';
import { advisory, packageFacts } from '../../support/package-facts.ts';
import { PLANTED } from '../../support/planted/lab.ts';

describe('an error response with an invalid reason phrase', () => {
  const why = 'the reason phrase of an error response is not valid text';
  const failedOf = (change: (lab: LabFacts) => void) =>
    badOf(labChecks, plantedLab(change), { advisories: [advisory('coturn-1878')] }).failed;

  it('is attributed to coturn-1878, together with the client timeouts that it causes', () => {
    const failed = failedOf((lab) => {
      lab.unparsed.push({ server: 'requests', transport: 'udp', why, bytes: '0113' });
      for (const each of lab.independent) Object.assign(each, { received: 0, error: 'TransactionTimeout()' });
    });
    expect(failed.map(({ id, advisories }) => [id, advisories])).toEqual([
      ['network.independent', ['coturn-1878']],
      ['answers.parsed', ['coturn-1878']],
    ]);
  });

  it('does not excuse another malformed answer', () => {
    const failed = failedOf((lab) => {
      lab.unparsed.push({ server: 'requests', transport: 'udp', why: 'no magic cookie', bytes: '0113' });
    });
    expect(failed.map(({ id, advisories }) => [id, advisories])).toEqual([['answers.parsed', undefined]]);
  });
});

describe('laboratory checks', () => {
  it('pass on the recorded facts', () => {
    const { failed, blocked } = badOf(labChecks, goodLab());
    expect([...failed, ...blocked]).toEqual([]);
  });

  it.each(PLANTED)('detect a planted fault: %s', (_, change, expected, message, notTried = {}) => {
    const { failed, blocked } = badOf(labChecks, plantedLab(change));
    expect(ids(failed)).toEqual(expected);
    expect(failed[0]?.message).toMatch(message);
    expect(blockedBy(blocked)).toEqual(notTried);
  });

  it('list refusals whose error code differs from the RFC', () => {
    const [result] = judgeAll(labChecks, packageFacts({ lab: goodLab() })).filter(
      ({ id }) => id === 'answers.allocate',
    );
    expect(result?.message).toMatch(
      /Allocate for an unsupported transport protocol: 400 where the RFC specifies 442/,
    );
  });

  it('record the transports that the independent client retried', () => {
    const figures = (change: (lab: LabFacts) => void) =>
      judgeAll(labChecks, packageFacts({ lab: plantedLab(change) })).find(
        ({ id }) => id === 'network.independent',
      )?.figures;
    expect(figures(() => {})).toEqual({ received: 300 });
    const again = (lab: LabFacts) => {
      for (const each of lab.independent) each.tries = each.transport === 'udp' ? 1 : 2;
    };
    expect(figures(again)).toEqual({ received: 300, 'tried again': 'tcp, tls' });
  });

  it('attribute a failure to an advisory only if it matches exactly', () => {
    const advisories = ['CVE-2026-73215', 'CVE-2026-40613'].map(advisory);
    const known = (change: (lab: LabFacts) => void) =>
      judgeAll(labChecks, packageFacts({ lab: plantedLab(change), advisories }))
        .filter(({ status }) => status === 'failed')
        .map(({ id, advisories: causes }) => [id, causes]);
    expect(known((lab) => Object.assign(lab.evenPort, { servedAfterwards: 1500 }))).toEqual([
      ['capacity.even-port', ['CVE-2026-73215']],
    ]);
    expect(known((lab) => Object.assign(lab.evenPort, { cycles: 0 }))).toEqual([
      ['capacity.even-port', undefined],
    ]);
    const losePairs = (lab: LabFacts) => {
      lab.evenPort.servedAfterwards = 1500;
      lab.capacity.afterPairs = 250;
    };
    expect(known(losePairs)).toEqual([['capacity.even-port', undefined]]);
    expect(known((lab) => Object.assign(lab.hostile, { ended: 'SIGBUS' }))).toEqual([
      ['packets.hostile', ['CVE-2026-40613']],
    ]);
    expect(known((lab) => Object.assign(lab.hostile, { ended: 'SIGSEGV' }))).toEqual([
      ['packets.hostile', undefined],
    ]);
  });

  it('all fail without results', () =>
    expect(ids(badOf(labChecks, undefined).failed)).toEqual(labChecks.map(({ id }) => id)));

  it('each fail on at least one planted fault (metrics checks: metrics-checks.test.ts)', () => {
    const planted = new Set(PLANTED.flatMap(([, , expected]) => expected));
    const others = labChecks.filter((check) => !metricsChecks.includes(check));
    expect(others.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });
});
