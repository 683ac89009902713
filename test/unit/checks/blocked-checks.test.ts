import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { serviceChecks } from '../../../src/checks/service-checks.ts';
import type { Blocker, LabFacts } from '../../../src/lab/facts.ts';
import { nothing } from '../../../src/lab/nothing.ts';
import { EVERY_CHECK } from '../../../src/plan/check-selection.ts';
import { type Bad, badOf, blockedBy, DRAIN, goodLab, ids, plantedLab } from '../../support/lab-facts.ts';
import { advisory, packageFacts } from '../../support/package-facts.ts';

const CHECKS = [...labChecks, ...serviceChecks];
/** Failed and blocked checks of a turnserver that drains and whose stops were tested unless blocked. */
function bad(lab: LabFacts): Bad {
  const service = lab.blocked.drain === undefined ? { ...lab.service, drain: DRAIN } : lab.service;
  return badOf(CHECKS, { ...lab, service }, { drains: true });
}

const ANSWERS = labChecks.map(({ id }) => id).filter((id) => /^answers\.(?!parsed)/.test(id));
/** Scenarios that the laboratory skips if nothing answers over UDP and IPv4: src/lab/configurations.ts. */
const NEED_UDP = [
  'requests',
  'limits',
  'capacity',
  'even-port',
  'hostile',
  'rest answers',
  'metadata',
  'drain',
  'reload',
];
const CHECKS_OF_UDP = [
  'relay.rest-secret',
  'network.independent',
  ...ANSWERS,
  'peers.forbidden',
  'packets.hostile',
  'capacity.ports',
  'capacity.even-port',
  'service.drain',
  'service.reload',
  'service.metadata',
];

const blocked = (names: readonly string[], blocker: Blocker) =>
  Object.fromEntries(names.map((name) => [name, blocker]));

/** Leaves clients unanswered over these transports, and removes the results of the scenarios that are then skipped. */
function silence(lab: LabFacts, transports: readonly string[], why = 'no answer to 4 requests'): void {
  for (const each of lab.reach)
    if (transports.includes(each.transport))
      Object.assign(each, { remote: false, tries: 2, local: true, why });
  for (const relays of [lab.relays, lab.restSessions.relays])
    for (const each of relays)
      if (transports.includes(each.transport))
        Object.assign(each, { sent: 0, received: 0, error: 'no answer', unreachable: true });
  if (!transports.includes('udp')) return;
  const empty = nothing();
  lab.blocked = blocked(NEED_UDP, { way: 'udp/ipv4' });
  for (const name of ['requests', 'limits', 'capacity', 'even-port', 'hostile']) delete lab.servers[name];
  Object.assign(lab, {
    answers: [],
    independent: [],
    forbidden: empty.forbidden,
    capacity: empty.capacity,
    evenPort: empty.evenPort,
    hostile: empty.hostile,
    service: { ...lab.service, reached: [] },
  });
}

/** Sets the metrics to this number of relayed messages, half of them on channels. */
function relayed({ sessions, restSessions }: LabFacts, all: number, rest: number): void {
  for (const [each, messages] of [
    [sessions, all],
    [restSessions, rest],
  ] as const) {
    Object.assign(each, { messages, channelMessages: messages / 2 });
    each.after = each.after
      .replace(/^(turn_total_traffic_peer_(?:sent|rcv)p) \d+$/gm, `$1 ${messages}`)
      .replace(/^(turn_total_traffic_peer_(?:sent|rcv)b) \d+$/gm, `$1 ${messages * each.bytesPerMessage}`);
  }
}

describe('a blocked check', () => {
  it('is blocked by network.ttl if answers leave with TTL 1, and only network.ttl fails', () => {
    const lab = plantedLab((each) => {
      silence(each, ['udp', 'dtls'], 'answers leave with a TTL of 1');
      relayed(each, 8_000, 200);
      each.ttl = { packets: 57, minTtl: 1 };
    });
    const found = bad(lab);
    expect(ids(found.failed)).toEqual(['network.ttl']);
    expect(found.failed[0]?.message).toBe('at least one of 57 datagrams to clients had a TTL of 1');
    expect(found.causes).toEqual([
      'UDP answers leave with TTL 1: clients behind a router never receive them (coturn #2043)',
    ]);
    expect(blockedBy(found.blocked)).toEqual({
      'network.ttl': ['network.udp', 'network.dtls', ...CHECKS_OF_UDP],
    });
    expect(found.blocked.find(({ id }) => id === 'capacity.ports')?.message).toBe(
      'not run because network.ttl failed: no answer over UDP and IPv4',
    );
    // Users who need only TCP learn that it works.
    const passed = judgeAll(CHECKS, packageFacts({ lab, drains: true })).filter(
      ({ status }) => status === 'passed',
    );
    expect(ids(passed)).toEqual(expect.arrayContaining(['network.tcp', 'network.tls', 'service.start']));
  });

  it('has a cause that names the clients out of reach of a TTL of 16', () => {
    const found = bad(
      plantedLab((lab) => {
        lab.ttl.minTtl = 16;
      }),
    );
    expect(found.causes).toEqual([
      'UDP answers leave with TTL 16: distant clients never receive them (coturn #2043)',
    ]);
  });

  it('is blocked by network.udp if UDP is silent for another reason', () => {
    const found = bad(
      plantedLab((lab) => {
        silence(lab, ['udp']);
        relayed(lab, 12_000, 300);
      }),
    );
    expect(ids(found.failed)).toEqual(['network.udp']);
    expect(found.failed[0]?.message).toMatch(/^ipv4 by send: 0 of 1000 messages came back \(no answer\); /);
    expect(found.causes).toEqual([
      'turnserver answers no client over UDP (IPv4 and IPv6): local clients get answers; last error: no answer to 4 requests',
    ]);
    expect(blockedBy(found.blocked)).toEqual({ 'network.udp': CHECKS_OF_UDP });
  });

  it('is blocked by network.udp, including network.ttl, if no datagram leaves at all', () => {
    const lab = plantedLab((each) => {
      silence(each, ['udp', 'dtls']);
      for (const way of each.reach) if (!way.remote) way.local = false;
      relayed(each, 8_000, 200);
      each.ttl = { packets: 0, minTtl: 256 };
    });
    const found = bad(lab);
    expect(ids(found.failed)).toEqual(['network.udp', 'network.dtls']);
    expect(found.causes[0]).toMatch(/over UDP .*: even local clients get no answer; /);
    expect(blockedBy(found.blocked)).toEqual({
      'network.udp': ['relay.rest-secret', 'network.ttl', ...CHECKS_OF_UDP.slice(1)],
    });
  });

  it('is only relay.rest-secret or network.independent if TLS is silent', () => {
    const found = bad(
      plantedLab((lab) => {
        silence(lab, ['tls']);
        for (const way of lab.reach) if (!way.remote) Object.assign(way, { local: false, why: '' });
        relayed(lab, 12_000, 300);
      }),
    );
    expect(ids(found.failed)).toEqual(['network.tls']);
    expect(found.causes).toEqual([
      'turnserver answers no client over TLS (IPv4 and IPv6): even local clients get no answer',
    ]);
    expect(blockedBy(found.blocked)).toEqual({
      'network.tls': ['relay.rest-secret', 'network.independent'],
    });
  });

  it('may be a metrics check if no transport is answered', () => {
    const lab = plantedLab((each) => {
      silence(each, ['udp', 'tcp', 'tls', 'dtls']);
      each.ttl = { packets: 0, minTtl: 256 };
      relayed(each, 0, 0);
      each.blocked['metrics.private'] = { way: 'tcp/ipv4' };
    });
    const found = bad(lab);
    expect(ids(found.failed)).toEqual(['network.udp', 'network.tcp', 'network.tls', 'network.dtls']);
    expect(blockedBy(found.blocked)).toMatchObject({
      'network.udp': expect.arrayContaining(['metrics.exact', 'metrics.rest-secret']),
      'network.tcp': ['metrics.private'],
    });
  });

  it('is blocked by network.alive if its server does not start', () => {
    const found = bad(
      plantedLab((lab) => {
        delete lab.servers.limits;
        delete lab.logs.limits;
        lab.problems.limits = 'turnserver (limits) did not become ready:\nCONFIG ERROR: unknown argument';
        lab.answers = lab.answers.filter(({ id }) => !/^(nonce|allocation|quota|ports)/.test(id));
      }),
    );
    expect(ids(found.failed)).toEqual(['network.alive']);
    expect(found.failed[0]?.message).toMatch(/^limits: turnserver did not start; /);
    expect(found.causes).toEqual(['turnserver does not start: CONFIG ERROR: unknown argument']);
    expect(blockedBy(found.blocked)).toEqual({
      'network.alive': ['answers.nonce', 'answers.allocation', 'answers.quota', 'answers.ports'],
    });
    expect(found.blocked[0]?.message).toBe(
      'not run because network.alive failed: limits: turnserver did not start',
    );
  });

  it('is every check except those of the unit if the first server does not start', () => {
    const lab: LabFacts = {
      ...nothing(),
      service: { ...goodLab().service, reached: [] },
      problems: { relay: 'turnserver (relay) did not become ready:\nCONFIG ERROR: no' },
      blocked: blocked(
        ['relays', 'metrics.private', 'metrics.scrapes', 'rest', 'metadata', 'drain', 'reload', ...NEED_UDP],
        { server: 'relay' },
      ),
    };
    const found = bad(lab);
    expect(ids(found.failed)).toEqual(['network.alive']);
    expect(found.failed[0]?.message).toMatch(/^relay: turnserver did not start; /);
    expect(found.causes).toEqual(['turnserver does not start: CONFIG ERROR: no']);
    const others = labChecks.map(({ id }) => id).filter((id) => id !== 'network.alive');
    expect(blockedBy(found.blocked)).toEqual({
      'network.alive': [...others, 'service.drain', 'service.reload', 'service.metadata'],
    });
  });

  it('is blocked by network.alive if its server stops answering halfway', () => {
    const found = bad(
      plantedLab((lab) => {
        lab.servers.limits = 'silence over udp/ipv4';
        lab.blocked = blocked(['quota', 'expiry'], { server: 'limits' });
        lab.answers = lab.answers.filter(({ id }) => !/^(allocation|quota)/.test(id));
        lab.logs.limits = 'one\nthe last line\n';
      }),
    );
    expect(ids(found.failed)).toEqual(['network.alive']);
    expect(found.failed[0]?.message).toBe(
      'limits: turnserver runs but no longer answers (silence over udp/ipv4)',
    );
    expect(found.causes).toEqual([
      'turnserver runs but no longer answers (silence over udp/ipv4), although clients sent nothing malformed: the last line',
    ]);
    expect(blockedBy(found.blocked)).toEqual({ 'network.alive': ['answers.allocation', 'answers.quota'] });
  });

  it('is blocked by network.alive if its server crashes halfway', () => {
    const found = bad(
      plantedLab((lab) => {
        lab.servers.requests = 'SIGSEGV';
        lab.blocked = blocked(['independent', 'forbidden', 'denied peers'], { server: 'requests' });
        Object.assign(lab, { independent: [], forbidden: nothing().forbidden });
        lab.answers = lab.answers.filter(({ id }) => !id.startsWith('peer'));
      }),
    );
    expect(ids(found.failed)).toEqual(['network.alive']);
    expect(found.causes[0]).toMatch(
      /^turnserver exited unexpectedly with SIGSEGV, although clients sent nothing malformed/,
    );
    expect(blockedBy(found.blocked)).toEqual({
      'network.alive': ['network.independent', 'answers.peer', 'peers.forbidden'],
    });
  });

  it('is every later check of the unit if service.start fails', () => {
    const found = bad(
      plantedLab(({ service }) => {
        Object.assign(service, { state: 'failed', restarted: 'not tried', stopped: 'signal', reached: [] });
      }),
    );
    expect(ids(found.failed)).toEqual(['service.start']);
    expect(blockedBy(found.blocked)).toEqual({
      'service.start': [
        'service.alone',
        'service.restart',
        'service.stop',
        'service.drain',
        'service.reload',
        'service.metadata',
      ],
    });
    expect(found.blocked[0]?.message).toBe('not run because service.start failed: the unit is failed');
  });

  it('is every laboratory check if the package cannot be installed', () => {
    const notInstalled = [
      'The following packages have unmet dependencies:',
      ' coturn : Depends: no-such-package but it is not installable',
      'E: Unable to correct problems, you have held broken packages.',
    ].join('\n');
    const found = bad({ ...nothing(), notInstalled });
    expect(found.failed).toEqual([]);
    expect(blockedBy(found.blocked)).toEqual({ 'install.clean': ids(found.blocked) });
    expect(found.blocked).toHaveLength(CHECKS.length);
    expect(found.blocked[0]?.message).toBe(
      'not run because install.clean failed: the package could not be installed: coturn : Depends: no-such-package but it is not installable',
    );
  });

  it('stays blocked if its advisory is accepted', () => {
    const lab = plantedLab((each) => {
      silence(each, ['udp', 'dtls']);
      each.ttl = { packets: 57, minTtl: 1 };
    });
    const facts = packageFacts({ lab, advisories: [advisory('CVE-2026-73215')] });
    const all = judgeAll(labChecks, facts, { ...EVERY_CHECK, accept: ['CVE-2026-73215'] });
    expect(all.find(({ id }) => id === 'capacity.even-port')).toMatchObject({ status: 'blocked' });
  });
});
