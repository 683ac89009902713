import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { serviceChecks } from '../../../src/checks/service-checks.ts';
import { blockedBy, DRAIN, ids } from '../../support/lab-facts.ts';
import { packageFacts } from '../../support/package-facts.ts';
import { bad, good, judge, PLANTED, refuse } from '../../support/planted/service.ts';

describe('service checks', () => {
  it('pass on the recorded facts', () =>
    expect(judge(good()).filter(({ status }) => status !== 'passed')).toEqual([]));

  it.each(PLANTED)('detect a planted fault: %s', (_, change, expected, message, notTried = {}) => {
    const lab = good();
    change(lab);
    const { failed, blocked } = bad(lab);
    expect(ids(failed)).toEqual(expected);
    expect(failed[0]?.message).toMatch(message);
    expect(blockedBy(blocked)).toEqual(notTried);
  });

  it('allow a drain 30 s after the last session, and 50 s with a vanished client', () => {
    const lab = good();
    Object.assign(lab.service.drain ?? {}, {
      session: { ...DRAIN.session, seconds: 30 },
      vanished: { ...DRAIN.vanished, seconds: 50 },
    });
    expect(bad(lab).failed).toEqual([]);
  });

  it("ignore the distribution's own drop-ins", () => {
    const lab = good();
    const distribution = '/usr/lib/systemd/system/service.d/10-timeout-abort.conf';
    Object.assign(lab.service, { fragments: [...lab.service.fragments, distribution] });
    expect(bad(lab).failed).toEqual([]);
  });

  it('allow relay sockets over IPv4 and IPv6 in the whole port range', () => {
    const lab = good();
    lab.service.seen?.listening.push('udp 020C0014:C000', 'udp6 01000026120000000000000002000000:FFFF');
    expect(bad(lab).failed).toEqual([]);
  });

  it('accept QEMU as the turnserver process only under emulation', () => {
    const lab = good();
    Object.assign(lab.service.seen?.processes[0] ?? {}, { program: '/usr/bin/qemu-aarch64' });
    expect(bad(lab).failed[0]?.message).toBe('/usr/bin/qemu-aarch64 runs in the unit');
    lab.service.emulated = true;
    expect(bad(lab).failed).toEqual([]);
  });

  it('allow a restart to take as long as clients retry', () => {
    const lab = good();
    lab.service.downSeconds = 39.5;
    expect(bad(lab).failed).toEqual([]);
  });

  it('record the number of addresses tried and of messages lost', () => {
    const results = judge(good());
    expect(results.find(({ id }) => id === 'service.metadata')).toMatchObject({
      message: 'no datagram was sent to the metadata addresses, although the configuration allows every peer',
      figures: { addresses: 3, controls: 2 },
    });
    expect(results.find(({ id }) => id === 'service.drain')?.figures).toMatchObject({
      messages: 2600,
      lost: 0,
    });
  });

  it('count the metadata addresses that turnserver itself refuses', () => {
    const lab = good();
    for (const each of lab.service.reached)
      if (each.by === 'relay' && !each.peer.includes(':'))
        Object.assign(each, { permission: '403', packets: 0 });
    expect(judge(lab).find(({ id }) => id === 'service.metadata')?.message).toMatch(
      /; turnserver itself refuses 1 of them$/,
    );
  });

  it('list the sandbox settings that are disabled under QEMU', () => {
    const lab = good();
    lab.service.emulated = true;
    expect(judge(lab)[0]?.message).toMatch(/without MemoryDenyWriteExecute and SystemCallFilter/);
  });

  it('pass if turnserver itself refuses the metadata addresses', () => {
    const lab = good();
    refuse(lab);
    const found = judge(lab).find(({ id }) => id === 'service.metadata');
    expect(found?.status).toBe('passed');
    expect(found?.message).toMatch(/turnserver itself refuses 3 of them/);
  });

  it('skip service.drain for a version that cannot drain', () => {
    const lab = good();
    delete lab.service.drain;
    const { status, message } = judge(lab, false).find(({ id }) => id === 'service.drain') ?? {};
    expect([status, message]).toEqual(['not-applicable', 'coturn 4.6.1 cannot drain']);
  });

  it('skip service.reload for a version that cannot reload', () => {
    const { service, ...lab } = good();
    const { reload: _, ...rest } = service;
    const results = judgeAll(
      serviceChecks,
      packageFacts({ lab: { ...lab, service: rest }, drains: true, reloads: false }),
    );
    const { status, message } = results.find(({ id }) => id === 'service.reload') ?? {};
    expect([status, message]).toEqual(['not-applicable', 'coturn 4.6.1 cannot reload its certificate']);
  });

  it('all fail without results', () =>
    expect(ids(bad(undefined).failed)).toEqual(serviceChecks.map(({ id }) => id)));

  it('each fail on at least one planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , expected]) => expected));
    expect(serviceChecks.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });
});
