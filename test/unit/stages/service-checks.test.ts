import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { DrainFacts, LabFacts } from '../../../src/lab/facts.ts';
import { judgeAll } from '../../../src/stages/verify/check.ts';
import { parseLabFacts } from '../../../src/stages/verify/lab.ts';
import { serviceChecks } from '../../../src/stages/verify/service-checks.ts';
import { packageFacts } from '../../support/package-facts.ts';

// What the laboratory has really seen of coturn 4.6.1 for debian-13 on x86_64.
const text = readFileSync(new URL('../../fixtures/verified-4.6.1/lab/lab.json', import.meta.url), 'utf8');
// And of coturn 4.18.0, which drains, in the unit that a package of it has.
const drain: DrainFacts = {
  deadline: 45,
  newcomer: '403',
  sent: 6030,
  received: 6030,
  ended: 11,
  abandoned: 48,
  results: ['success', 'success'],
};
const good = (): LabFacts => {
  const lab = parseLabFacts(text);
  return { ...lab, service: { ...lab.service, drain: structuredClone(drain) } };
};
const judge = (lab: LabFacts | undefined, drains = true) =>
  judgeAll(serviceChecks, packageFacts({ lab, drains }));
const failures = (lab: LabFacts | undefined) => judge(lab).filter(({ status }) => status === 'failed');

type Reached = LabFacts['service']['reached'][number];

function reached(lab: LabFacts, peer: string, by: Reached['by'] = 'relay'): Reached {
  const found = lab.service.reached.find((each) => each.peer === peer && each.by === by);
  if (found === undefined) throw new Error(`${peer} was not tried by a ${by}`);
  return found;
}

/** What newer versions do with link-local peers, whatever is configured. */
function refuse(lab: LabFacts): void {
  for (const each of lab.service.reached)
    if (each.by === 'relay') Object.assign(each, { permission: '403', packets: 0 });
}

const PLANTED: [string, (lab: LabFacts) => void, string[], RegExp][] = [
  [
    'a sandbox that turnserver can not start in',
    (lab) => Object.assign(lab.service, { state: 'failed', log: 'one\ncannot find any address' }),
    ['service.start'],
    /the unit is failed: one \| cannot find any address/,
  ],
  [
    'a unit without metrics',
    (lab) => Object.assign(lab.service, { metrics: false }),
    ['service.start'],
    /metrics can not be read/,
  ],
  [
    'a unit that stays down after a crash',
    (lab) => Object.assign(lab.service, { restarted: 'failed' }),
    ['service.restart'],
    /after SIGKILL the unit is failed/,
  ],
  [
    'a unit that fails when it is stopped',
    (lab) => Object.assign(lab.service, { stopped: 'signal' }),
    ['service.stop'],
    /its result is: signal/,
  ],
  [
    'metadata that can be reached',
    (lab) => Object.assign(reached(lab, '169.254.169.254'), { packets: 3 }),
    ['service.metadata'],
    /3 datagrams have left for 169\.254\.169\.254/,
  ],
  [
    'metadata that can be reached by IPv6',
    (lab) => Object.assign(reached(lab, 'fd00:ec2::254'), { packets: 1 }),
    ['service.metadata'],
    /1 datagrams have left for fd00:ec2::254/,
  ],
  [
    'metadata that can be reached past the relay',
    (lab) => Object.assign(reached(lab, '169.254.169.254', 'process'), { packets: 3 }),
    ['service.metadata'],
    /3 datagrams have left for 169\.254\.169\.254, sent by a process/,
  ],
  [
    'a server that reaches nobody',
    (lab) => Object.assign(reached(lab, '169.254.169.253'), { packets: 0 }),
    ['service.metadata'],
    /not reached by IPv4 and a relay, so nothing is proved/,
  ],
  [
    'a unit from which nobody is reached, in front of a server that refuses',
    (lab) => {
      refuse(lab);
      Object.assign(reached(lab, 'fd00:ec2::253', 'process'), { packets: 0 });
    },
    ['service.metadata'],
    /not reached by IPv6 and a process, so nothing is proved/,
  ],
  [
    'a configuration that still denies',
    (lab) => Object.assign(reached(lab, '169.254.169.254'), { permission: '403' }),
    ['service.metadata'],
    /answered 403, so the unit was not tried/,
  ],
  [
    'addresses that nobody tried',
    (lab) => Object.assign(lab.service, { reached: [] }),
    ['service.metadata'],
    /no metadata address of IPv4 was tried by a relay/,
  ],
  ...(
    [
      ['lets a new client in', { newcomer: 'success' }, /a new client was answered with success/],
      [
        'is gone at once',
        { newcomer: 'silence', received: 0 },
        /with silence; 6030 of 6030 messages were lost/,
      ],
      ['loses one message', { received: 6029 }, /1 of 6030 messages were lost/],
      ['was never talked to', { sent: 0, received: 0 }, /0 of 0 messages/],
      ['stays when all have left', { ended: 60 }, /down 60 s after the last session/],
      ['waits for a client that is gone', { abandoned: 120 }, /took 120 s; its deadline was 45 s/],
      ['ends in a failure', { results: ['success', 'timeout'] }, /the result of the unit is timeout/],
    ] satisfies [string, Partial<DrainFacts>, RegExp][]
  ).map(([name, change, message]): (typeof PLANTED)[number] => [
    `a drain that ${name}`,
    (lab) => Object.assign(lab.service.drain as DrainFacts, change),
    ['service.drain'],
    message,
  ]),
  [
    'a stop that nobody tried',
    (lab) => delete lab.service.drain,
    ['service.drain'],
    /no stop under a session was tried/,
  ],
  [
    'a laboratory in which systemd does not run',
    (lab) => {
      lab.problems.service = 'Failed to mount cgroup';
      Object.assign(lab.service, {
        state: 'not tried',
        restarted: 'not tried',
        stopped: 'not tried',
        reached: [],
      });
      delete lab.service.drain;
    },
    ['service.start', 'service.restart', 'service.stop', 'service.drain', 'service.metadata'],
    /not tried.*\(Failed to mount cgroup\)/,
  ],
];

describe('checks of the service', () => {
  it('pass on what was seen', () => expect(failures(good())).toEqual([]));

  it.each(PLANTED)('%s is found', (_, change, ids, message) => {
    const lab = good();
    change(lab);
    const found = failures(lab);
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(found[0]?.message).toMatch(message);
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
    expect([status, message]).toEqual(['skipped', 'coturn 4.6.1 can not drain']);
  });

  it('all fail where there are no results', () =>
    expect(failures(undefined).map(({ id }) => id)).toEqual(serviceChecks.map(({ id }) => id)));

  it('each is failed by a planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , ids]) => ids));
    expect(serviceChecks.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });
});
