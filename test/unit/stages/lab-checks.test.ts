import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LabFacts } from '../../../src/lab/facts.ts';
import { judgeAll } from '../../../src/stages/verify/check.ts';
import { parseLabFacts } from '../../../src/stages/verify/lab.ts';
import { labChecks } from '../../../src/stages/verify/lab-checks.ts';
import { packageFacts } from '../../support/package-facts.ts';

// What the laboratory has really seen of coturn 4.6.1 for debian-13 on x86_64.
const text = readFileSync(new URL('../../fixtures/verified-4.6.1/lab/lab.json', import.meta.url), 'utf8');
const good = (): LabFacts => parseLabFacts(text);

const failures = (lab: LabFacts | undefined) =>
  judgeAll(labChecks, packageFacts({ lab })).filter((result) => result.status === 'failed');

/** Facts in which one thing is another. */
function plant(change: (lab: LabFacts) => void): LabFacts {
  const lab = good();
  change(lab);
  return lab;
}

/** An answer in the facts. */
function answer(lab: LabFacts, id: string): LabFacts['answers'][number] {
  const found = lab.answers.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no answer ${id}`);
  return found;
}

const PLANTED: [string, (lab: LabFacts) => void, string[], RegExp][] = [
  ...(['udp', 'tcp', 'tls', 'dtls'] as const).map((transport): (typeof PLANTED)[number] => [
    `one message that is lost over ${transport}`,
    (lab) => {
      for (const relay of lab.relays)
        if (relay.transport === transport && relay.family === 'ipv6' && relay.way === 'channel')
          relay.received = 999;
    },
    [`network.${transport}`],
    /ipv6 by channel: 999 of 1000 came back/,
  ]),
  [
    'a configuration that denies all of IPv4',
    (lab) => {
      for (const relay of lab.relays)
        if (relay.family === 'ipv4')
          Object.assign(relay, { sent: 0, received: 0, error: 'send: 403 Forbidden IP' });
    },
    ['network.udp', 'network.tcp', 'network.tls', 'network.dtls'],
    /ipv4 by send: 0 of 1000 came back \(send: 403 Forbidden IP\)/,
  ],
  [
    'a client that was forgotten',
    (lab) => {
      lab.relays.shift();
      lab.sessions.sessions = lab.relays.length;
    },
    ['network.udp', 'metrics.exact'],
    /3 clients, not 4/,
  ],
  [
    'a server that ended by itself',
    (lab) => {
      lab.servers.requests = 'SIGSEGV';
    },
    ['network.alive'],
    /requests: it ended by itself with SIGSEGV/,
  ],
  [
    'a server that did not get ready',
    (lab) => {
      delete lab.servers.rest;
      lab.problems.rest = 'turnserver (rest) did not get ready:\nCONFIG ERROR: no';
      lab.answers = lab.answers.filter(({ id }) => !id.startsWith('rest.'));
    },
    ['network.alive', 'answers.rest'],
    /rest: it did not start; rest could not be tried to its end .*CONFIG ERROR: no/,
  ],
  [
    'messages that the other client misses',
    (lab) => {
      for (const each of lab.independent) if (each.transport === 'tls') each.received = 98;
    },
    ['network.independent'],
    /tls: 98 of 100 came back/,
  ],
  [
    'another client that gets no allocation',
    (lab) => {
      lab.independent = [{ transport: 'udp', error: 'TransactionFailed()' }, ...lab.independent.slice(1)];
    },
    ['network.independent'],
    /udp: TransactionFailed\(\)/,
  ],
  [
    'another client that did not run',
    (lab) => {
      lab.independent = [];
    },
    ['network.independent'],
    /udp: 0 of 100 came back; tcp: 0/,
  ],
  [
    'a TTL of 1, as 4.17.0 has it',
    (lab) => {
      lab.ttl.minTtl = 1;
    },
    ['network.ttl'],
    /one arrived with 1/,
  ],
  [
    'a capture that saw nothing',
    (lab) => {
      lab.ttl = { packets: 0, minTtl: 256 };
    },
    ['network.ttl'],
    /0 datagrams were seen/,
  ],
  ...(
    [
      ['binding', 'binding', 'another address: 10.0.0.1'],
      ['credentials.password', 'credentials', 'success'],
      ['credentials.none', 'credentials', 'success'],
      ['nonce.stale', 'nonce', 'success'],
      ['nonce.renewed', 'nonce', 'the same nonce'],
      ['rest.expired', 'rest', 'success'],
      ['rest.valid', 'rest', '401'],
      ['allocate.transport', 'allocate', 'success'],
      ['allocate.again', 'allocate', 'success'],
      ['allocation.expiry', 'allocation', 'success success'],
      ['refresh.other-user', 'refresh', 'success'],
      ['refresh.ended', 'refresh', 'success'],
      ['permission.no-allocation', 'permission', 'success'],
      ['channel.number', 'channel', 'success'],
      ['peer.forbidden', 'peer', 'success'],
      ['quota', 'quota', 'success success success success'],
      ['ports', 'ports', 'success success success success success success success'],
      ['ports', 'ports', 'silence'],
    ] as const
  ).map(([id, group, found]): (typeof PLANTED)[number] => [
    `the answer ${found} to ${id}`,
    (lab) => {
      answer(lab, id).found = found;
    },
    [`answers.${group}`],
    new RegExp(`: ${found}, not `),
  ]),
  [
    'an answer whose integrity is wrong',
    (lab) => {
      answer(lab, 'allocate').authentic = false;
    },
    ['answers.allocate'],
    /success, without a valid MESSAGE-INTEGRITY, not success/,
  ],
  [
    'situations that were not tried',
    (lab) => {
      lab.answers = lab.answers.filter(({ id }) => !id.startsWith('rest.'));
    },
    ['answers.rest'],
    /0 situations were tried, not 3/,
  ],
  [
    'a permission for the metadata service',
    (lab) => {
      for (const attempt of lab.forbidden.attempts)
        if (attempt.peer === '169.254.169.254' && attempt.by === 'CreatePermission')
          attempt.found = 'success';
    },
    ['peers.forbidden'],
    /CreatePermission to 169\.254\.169\.254 \(metadata service\) was granted/,
  ],
  [
    'a packet that has left',
    (lab) => lab.forbidden.leaked.push('IP 20.0.2.2.50000 > 10.0.0.1.4444: UDP, length 10'),
    ['peers.forbidden'],
    /1 packets have left the server: IP 20\.0\.2\.2/,
  ],
  [
    'a watch that sees nothing',
    (lab) => {
      lab.forbidden.control.captured = 0;
    },
    ['peers.forbidden'],
    /nothing is proved/,
  ],
  [
    'peers that were not tried',
    (lab) => {
      lab.forbidden.attempts = lab.forbidden.attempts.filter(({ by }) => by !== 'Connect').slice(0, 90);
    },
    ['peers.forbidden'],
    /30 peers were tried, not 60; Connect was tried for 0 of 30/,
  ],
  [
    'a port that is not given back',
    (lab) => {
      for (const [index, cycle] of lab.capacity.cycles.entries()) cycle.served -= index;
    },
    ['capacity.ports'],
    /round 2: 499 allocations from 500 ports; round 3: 498/,
  ],
  [
    'a pool that gives more than it has',
    (lab) => {
      for (const cycle of lab.capacity.cycles) cycle.refused = 'success';
    },
    ['capacity.ports'],
    /one more was answered success, not 508/,
  ],
  [
    'a refusal that takes its time',
    (lab) => {
      for (const cycle of lab.capacity.cycles) cycle.refusedMs = 1500;
    },
    ['capacity.ports'],
    /the refusal took 1500 ms/,
  ],
  [
    'pairs of ports that share one',
    (lab) => {
      lab.capacity.pairs = 251;
    },
    ['capacity.ports'],
    /251 allocations of two ports, not 250/,
  ],
  [
    'rounds that did not run',
    (lab) => {
      lab.capacity.cycles = [];
    },
    ['capacity.ports'],
    /0 rounds, not 3/,
  ],
  [
    'an even port that is never given back',
    (lab) => {
      lab.evenPort.servedAfterwards -= 1;
    },
    ['capacity.even-port'],
    /1 of 2000 ports are lost after 2000 allocations/,
  ],
  [
    'even ports that run out',
    (lab) => {
      Object.assign(lab.evenPort, { granted: 500, refused: ['508'] });
    },
    ['capacity.even-port'],
    /500 of 2000 were granted, others answered 508/,
  ],
  [
    'even ports that nobody asked for',
    (lab) => {
      Object.assign(lab.evenPort, { cycles: 0, granted: 0 });
    },
    ['capacity.even-port'],
    /0 were tried, not 2000/,
  ],
  [
    'a leak in each scrape',
    (lab) => {
      lab.scrapes.after = lab.scrapes.before + 5 * 2 ** 20;
    },
    ['metrics.scrapes'],
    /grew by 5\.0 MiB in 10000 scrapes/,
  ],
  [
    'scrapes that are not answered',
    (lab) => {
      lab.scrapes.succeeded = 9999;
    },
    ['metrics.scrapes'],
    /9999 of 10000 were answered/,
  ],
  [
    'a memory that could not be read',
    (lab) => {
      Object.assign(lab.scrapes, { before: 0, after: 0 });
    },
    ['metrics.scrapes'],
    /could not be read/,
  ],
  [
    'metrics that listen on every address',
    (lab) => {
      for (const reach of lab.metricsReach)
        if (reach.way === 'direct' && !reach.address.includes(':')) reach.found = 'open';
    },
    ['metrics.private'],
    /20\.0\.2\.2 was reached \(direct\)/,
  ],
  [
    'metrics that are reached through the relay',
    (lab) => {
      for (const reach of lab.metricsReach)
        if (reach.way === 'relay' && reach.address === '127.0.0.1') reach.found = 'success';
    },
    ['metrics.private'],
    /127\.0\.0\.1 was reached \(relay\)/,
  ],
  [
    'metrics that nobody tried to reach',
    (lab) => {
      lab.metricsReach = [];
    },
    ['metrics.private'],
    /0 addresses were tried \(direct\), not 2/,
  ],
  [
    'a packet that ends the server',
    (lab) => {
      lab.hostile = {
        ...lab.hostile,
        packets: 1250,
        ended: 'SIGSEGV',
        suspects: ['00', '0003dead'],
        afterwards: 'not tried',
      };
      lab.servers.hostile = 'SIGSEGV';
    },
    ['network.alive', 'packets.hostile'],
    /hostile: it ended by itself with SIGSEGV/,
  ],
  [
    'a packet after which nobody is served',
    (lab) => {
      lab.hostile.ended = 'silence';
      lab.hostile.suspects = ['0003dead'];
    },
    ['packets.hostile'],
    /silence; it was one of the last 1, .*0003dead/,
  ],
  [
    'an honest client that is refused afterwards',
    (lab) => {
      lab.hostile.afterwards = '508';
    },
    ['packets.hostile'],
    /answered 508/,
  ],
  [
    'packets that were not thrown',
    (lab) => {
      lab.hostile.packets = 0;
    },
    ['packets.hostile'],
    /0 packets, not 20000/,
  ],
  [
    'one packet too few in the metrics',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(/^(turn_total_traffic_peer_rcvp) \d+$/m, '$1 15999');
    },
    ['metrics.exact'],
    /turn_total_traffic_peer_rcvp grew by 15999, not 16000/,
  ],
  [
    'a metric that is gone',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(/^turn_total_traffic_peer_sentb .*$/m, '');
    },
    ['metrics.exact'],
    /turn_total_traffic_peer_sentb grew by missing/,
  ],
  [
    'an allocation that is left',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(
        /^turn_total_allocations(\{.*\})? 0$/m,
        'turn_total_allocations$1 1',
      );
    },
    ['metrics.exact'],
    /gauge of allocations has not come back/,
  ],
];

describe('checks of the laboratory', () => {
  it('pass on what was seen', () => expect(failures(good())).toEqual([]));

  it.each(PLANTED)('%s is found', (_, change, ids, message) => {
    const found = failures(plant(change));
    expect(found.map((result) => result.id)).toEqual(ids);
    expect(found[0]?.message).toMatch(message);
  });

  it("say which answers are refusals with a number of coturn's own", () => {
    const [result] = judgeAll(labChecks, packageFacts({ lab: good() })).filter(
      ({ id }) => id === 'answers.allocate',
    );
    expect(result?.message).toMatch(/Allocate for a transport that is none: 400 where the RFC has 442/);
  });

  it('name the advisory that a failure is known by, and no other failure by it', () => {
    const advisory = (id: string) => ({
      id,
      severity: 'high' as const,
      fixed: '9.9.9',
      summary: '',
      reference: '',
    });
    const advisories = ['CVE-2026-73215', 'CVE-2026-40613'].map(advisory);
    const known = (change: (lab: LabFacts) => void) =>
      judgeAll(labChecks, packageFacts({ lab: plant(change), advisories }))
        .filter(({ status }) => status === 'failed')
        .map(({ id, advisories: causes }) => [id, causes]);
    expect(known((lab) => Object.assign(lab.evenPort, { servedAfterwards: 1500 }))).toEqual([
      ['capacity.even-port', ['CVE-2026-73215']],
    ]);
    expect(known((lab) => Object.assign(lab.evenPort, { cycles: 0 }))).toEqual([
      ['capacity.even-port', undefined],
    ]);
    expect(known((lab) => Object.assign(lab.hostile, { ended: 'SIGBUS' }))).toEqual([
      ['packets.hostile', ['CVE-2026-40613']],
    ]);
    expect(known((lab) => Object.assign(lab.hostile, { ended: 'SIGSEGV' }))).toEqual([
      ['packets.hostile', undefined],
    ]);
  });

  it('all fail where there are no results', () =>
    expect(failures(undefined).map(({ id }) => id)).toEqual(labChecks.map(({ id }) => id)));

  it('each is failed by a planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , ids]) => ids));
    expect(labChecks.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });
});
