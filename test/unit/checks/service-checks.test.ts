import { describe, expect, it } from 'vitest';
import { serviceChecks } from '../../../src/checks/service-checks.ts';
import { blockedBy, DRAIN, ids } from '../../support/lab-facts.ts';
import { bad, good, judge, PLANTED, refuse } from '../../support/planted/service.ts';

describe('checks of the service', () => {
  it('pass on what was seen', () =>
    expect(judge(good()).filter(({ status }) => status !== 'passed')).toEqual([]));

  it.each(PLANTED)('%s is found', (_, change, expected, message, notTried = {}) => {
    const lab = good();
    change(lab);
    const { failed, blocked } = bad(lab);
    expect(ids(failed)).toEqual(expected);
    expect(failed[0]?.message).toMatch(message);
    expect(blockedBy(blocked)).toEqual(notTried);
  });

  it('allow a drain the time that turnserver takes to see that nobody is left', () => {
    const lab = good();
    Object.assign(lab.service.drain ?? {}, {
      session: { ...DRAIN.session, seconds: 30 },
      vanished: { ...DRAIN.vanished, seconds: 50 },
    });
    expect(bad(lab).failed).toEqual([]);
  });

  it('say what QEMU could not bear', () => {
    const lab = good();
    lab.service.emulated = true;
    expect(judge(lab)[0]?.message).toMatch(/without MemoryDenyWriteExecute and SystemCallFilter/);
  });

  it('hold where turnserver itself refuses the metadata addresses', () => {
    const lab = good();
    refuse(lab);
    const found = judge(lab).find(({ id }) => id === 'service.metadata');
    expect(found?.status).toBe('passed');
    expect(found?.message).toMatch(/turnserver itself refuses 3 of them/);
  });

  it('skip the drain of a turnserver that has none', () => {
    const lab = good();
    delete lab.service.drain;
    const { status, message } = judge(lab, false).find(({ id }) => id === 'service.drain') ?? {};
    expect([status, message]).toEqual(['not-applicable', 'coturn 4.6.1 cannot drain']);
  });

  it('all fail where there are no results', () =>
    expect(ids(bad(undefined).failed)).toEqual(serviceChecks.map(({ id }) => id)));

  it('each is failed by a planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , expected]) => expected));
    expect(serviceChecks.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });
});
