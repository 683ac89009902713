import type { LabFacts } from '../../../src/lab/facts.ts';

/** An answer in the facts. */
export function answer(lab: LabFacts, id: string): LabFacts['answers'][number] {
  const found = lab.answers.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no answer ${id}`);
  return found;
}

/** The fault, the checks that it fails, the message of the first one, and the checks that each of them blocks. */
export const PLANTED: [string, (lab: LabFacts) => void, string[], RegExp, Record<string, string[]>?][] = [
  ...(['udp', 'tcp', 'tls', 'dtls'] as const).map((transport): (typeof PLANTED)[number] => [
    `one message that is lost over ${transport}`,
    (lab) => {
      for (const relay of lab.relays)
        if (relay.transport === transport && relay.family === 'ipv6' && relay.way === 'channel')
          relay.received = 999;
    },
    [`network.${transport}`],
    /^ipv6 by channel: 999 of 1000 messages came back$/,
  ]),
  [
    'a configuration that denies all of IPv4',
    (lab) => {
      for (const relay of lab.relays)
        if (relay.family === 'ipv4')
          Object.assign(relay, { sent: 0, received: 0, error: 'send: 403 Forbidden IP' });
    },
    ['network.udp', 'network.tcp', 'network.tls', 'network.dtls'],
    /ipv4 by send: 0 of 1000 messages came back \(send: 403 Forbidden IP\)/,
  ],
  [
    'a client that was forgotten',
    (lab) => {
      lab.relays.shift();
      lab.sessions.sessions -= 1;
      lab.sessions.messages -= 1000;
    },
    ['network.udp', 'metrics.exact'],
    /^3 clients ran \(expected 4\)/,
  ],
  [
    'a server that ended by itself',
    (lab) => {
      lab.servers.requests = 'SIGSEGV';
    },
    ['network.alive'],
    /requests: turnserver exited unexpectedly with SIGSEGV/,
  ],
  [
    'a server that did not become ready',
    (lab) => {
      delete lab.servers.rest;
      lab.problems.rest = 'turnserver (rest) did not become ready:\nCONFIG ERROR: no';
      lab.answers = lab.answers.filter(({ id }) => !id.startsWith('rest.'));
    },
    ['network.alive'],
    /rest: turnserver did not start; rest could not be completed: .*CONFIG ERROR: no/,
    { 'network.alive': ['relay.rest-secret', 'answers.rest', 'metrics.rest-secret'] },
  ],
  [
    'one message that is lost with REST credentials',
    (lab) => {
      for (const relay of lab.restSessions.relays)
        if (relay.transport === 'tls' && relay.way === 'channel') relay.received = 49;
    },
    ['relay.rest-secret'],
    /^tls by channel: 49 of 50 messages came back$/,
  ],
  [
    'REST credentials that are refused over one transport',
    (lab) => {
      for (const relay of lab.restSessions.relays)
        if (relay.transport === 'dtls' && relay.way === 'send')
          Object.assign(relay, { sent: 0, received: 0, error: 'Allocate: 401 Unauthorized' });
    },
    ['relay.rest-secret'],
    /^dtls by send: 0 of 50 messages came back \(Allocate: 401 Unauthorized\)$/,
  ],
  [
    'REST credentials that were tried over TCP only',
    (lab) => {
      const relays = lab.restSessions.relays.filter(({ transport }) => transport === 'tcp');
      lab.restSessions.relays = relays;
    },
    ['relay.rest-secret'],
    /^2 clients ran \(expected 8\)$/,
  ],
  [
    'messages that the other client misses',
    (lab) => {
      for (const each of lab.independent) if (each.transport === 'tls') each.received = 98;
    },
    ['network.independent'],
    /tls: 98 of 100 messages came back/,
  ],
  [
    'messages that the other client misses by IPv4, where IPv6 is silent',
    (lab) => {
      for (const each of lab.reach)
        if (each.transport === 'udp' && each.family === 'ipv6') each.remote = false;
      for (const each of lab.independent) if (each.transport === 'udp') each.received = 98;
    },
    ['network.independent'],
    /^udp: 98 of 100 messages came back$/,
  ],
  [
    'messages that the other client misses over one transport, where another is silent',
    (lab) => {
      for (const each of lab.reach)
        if (each.transport === 'tcp' && each.family === 'ipv4') each.remote = false;
      lab.independent = lab.independent.filter(({ transport }) => transport !== 'tcp');
      for (const each of lab.independent) if (each.transport === 'udp') each.received = 98;
    },
    ['network.independent'],
    /^udp: 98 of 100 messages came back$/,
  ],
  [
    'a client with REST credentials that is not answered, where another way is silent',
    (lab) => {
      for (const each of lab.reach)
        if (each.transport === 'tcp' && each.family === 'ipv6') each.remote = false;
      for (const relay of lab.restSessions.relays)
        if (relay.transport === 'tls' && relay.way === 'send')
          Object.assign(relay, { sent: 0, received: 0, unreachable: true });
    },
    ['relay.rest-secret'],
    /^1 of 8 clients were not answered$/,
  ],
  [
    'a message that is lost with REST credentials, where another transport is silent',
    (lab) => {
      for (const each of lab.reach)
        if (each.transport === 'tls' && each.family === 'ipv4') each.remote = false;
      for (const relay of lab.restSessions.relays)
        if (relay.transport === 'tls') Object.assign(relay, { sent: 0, received: 0, unreachable: true });
        else if (relay.transport === 'tcp' && relay.way === 'send') relay.received = 49;
    },
    ['relay.rest-secret'],
    /^tcp by send: 49 of 50 messages came back$/,
    { 'network.tls': ['network.independent'] },
  ],
  [
    'no datagram that left, where only TCP is silent',
    (lab) => {
      for (const each of lab.reach) if (each.transport === 'tcp') each.remote = false;
      lab.ttl = { packets: 0, minTtl: 256 };
    },
    ['network.ttl'],
    /^0 datagrams were captured/,
    { 'network.tcp': ['network.independent'] },
  ],
  [
    'a scenario that ended with a long story',
    (lab) => {
      lab.problems.forbidden = 'one\ntwo\nthree\nfour\nfive';
    },
    ['network.alive'],
    /^forbidden could not be completed: one \| two \| three$/,
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
    /udp: 0 of 100 messages came back; tcp: 0/,
  ],
  [
    'a TTL of 1, as 4.17.0 has it',
    (lab) => {
      lab.ttl.minTtl = 1;
    },
    ['network.ttl'],
    /^at least one of 8112 datagrams to clients had a TTL of 1$/,
  ],
  [
    'a TTL that ends on the other side of the internet',
    (lab) => {
      lab.ttl.minTtl = 31;
    },
    ['network.ttl'],
    /at least one of 8112 datagrams to clients had a TTL of 31$/,
  ],
  [
    'a capture that saw less than has arrived',
    (lab) => {
      lab.ttl.packets = 7999;
    },
    ['network.ttl'],
    /7999 datagrams were captured, but clients received at least 8000/,
  ],
  [
    'a capture that saw nothing',
    (lab) => {
      lab.ttl = { packets: 0, minTtl: 256 };
    },
    ['network.ttl'],
    /0 datagrams were captured/,
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
    new RegExp(`: ${found} \\(expected `),
  ]),
  [
    'an answer whose integrity is wrong',
    (lab) => {
      answer(lab, 'allocate').authentic = false;
    },
    ['answers.allocate'],
    /success, without a valid MESSAGE-INTEGRITY \(expected success\)/,
  ],
  [
    'situations that were not tried',
    (lab) => {
      lab.answers = lab.answers.filter(({ id }) => !id.startsWith('rest.'));
    },
    ['answers.rest'],
    /only 0 situations were tried \(at least 3 required\)/,
  ],
  [
    'a permission for the metadata service',
    (lab) => {
      for (const attempt of lab.forbidden.attempts)
        if (attempt.peer === '169.254.169.254' && attempt.by === 'CreatePermission')
          attempt.found = 'success';
    },
    ['peers.forbidden'],
    /CreatePermission was granted for 1 of \d+ peers: 169\.254\.169\.254 \(metadata service\)$/,
  ],
  [
    'a packet that has left',
    (lab) => lab.forbidden.leaked.push('IP 20.0.2.2.50000 > 10.0.0.1.4444: UDP, length 10'),
    ['peers.forbidden'],
    /1 packets left the server: IP 20\.0\.2\.2/,
  ],
  [
    'a watch that sees nothing',
    (lab) => {
      lab.forbidden.control.captured = 0;
      lab.forbidden.control6.captured = 1;
    },
    ['peers.forbidden'],
    /the result proves nothing/,
  ],
  [
    'a watch whose peer receives nothing',
    (lab) => {
      lab.forbidden.control6.received = 0;
    },
    ['peers.forbidden'],
    /^the control failed: a public peer was not reached either, so the result proves nothing$/,
  ],
  [
    'more peers and packets than a message has room for',
    (lab) => {
      const peers = lab.forbidden.attempts.filter(({ by }) => by === 'Send').slice(0, 7);
      for (const each of peers) each.found = 'success';
      lab.forbidden.leaked.push('one', 'two', 'three', 'four');
    },
    ['peers.forbidden'],
    /^Send was granted for 7 of 173 peers: ([^,]*, ){5}and 2 more; 4 packets left the server: one \| two \| three$/,
  ],
  [
    'peers that were not tried',
    (lab) => {
      lab.forbidden.attempts = lab.forbidden.attempts.filter(({ by }) => by !== 'Connect').slice(0, 90);
    },
    ['peers.forbidden'],
    /only 30 peers were tried \(at least 60 required\); Connect was tried for 0 of 30/,
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
    /^round 1: one more was answered with success \(expected 508\); round 2/,
  ],
  [
    'a refusal that takes its time',
    (lab) => {
      for (const cycle of lab.capacity.cycles) cycle.refusedMs = 1000;
    },
    ['capacity.ports'],
    /^round 1: the refusal took 1000 ms; round 2/,
  ],
  [
    'pairs of ports that share one',
    (lab) => {
      lab.capacity.pairs = 251;
    },
    ['capacity.ports'],
    /251 allocations of port pairs \(expected 250\)/,
  ],
  [
    'a token that gets nothing',
    (lab) => {
      lab.capacity.claimed -= 1;
    },
    ['capacity.ports'],
    /only 249 of 250 reservation tokens yielded the second port/,
  ],
  [
    'a second port that is never given back',
    (lab) => {
      lab.capacity.afterPairs -= 250;
    },
    ['capacity.even-port'],
    /250 of 500 ports lost after 250 pairs of ports/,
  ],
  [
    'rounds that did not run',
    (lab) => {
      lab.capacity.cycles = [];
    },
    ['capacity.ports'],
    /only 0 rounds were run \(at least 3 required\)/,
  ],
  [
    'an even port that is never given back',
    (lab) => {
      lab.evenPort.servedAfterwards -= 1;
    },
    ['capacity.even-port'],
    /1 of 2000 ports lost after 2000 allocations/,
  ],
  [
    'even ports that run out',
    (lab) => {
      Object.assign(lab.evenPort, { granted: 500, refused: ['508'] });
    },
    ['capacity.even-port'],
    /500 of 2000 were granted; the others were answered with 508/,
  ],
  [
    'even ports that nobody asked for',
    (lab) => {
      Object.assign(lab.evenPort, { cycles: 0, granted: 0 });
    },
    ['capacity.even-port'],
    /only 0 allocations were tried \(at least 2000 required\)/,
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
    ['packets.hostile'],
    /after 1250 packets of seed \d+: SIGSEGV; the cause is one of the last 2 packets \(all in lab\.json\): .*0003dead/,
  ],
  [
    'a packet after which nobody is served',
    (lab) => {
      lab.hostile.ended = 'silence';
      lab.hostile.suspects = ['0003dead'];
    },
    ['packets.hostile'],
    /silence; the cause is one of the last 1 packets \(all in lab\.json\): .*0003dead/,
  ],
  [
    'an honest client that is refused afterwards',
    (lab) => {
      lab.hostile.afterwards = '508';
    },
    ['packets.hostile'],
    /answered with 508/,
  ],
  [
    'packets that were not thrown',
    (lab) => {
      lab.hostile.packets = 0;
    },
    ['packets.hostile'],
    /only 0 packets were sent \(at least 20000 required\)/,
  ],
  [
    'packets that no TCP connection has carried',
    (lab) => {
      lab.hostile.overTcp = 0;
    },
    ['packets.hostile'],
    /only 0 packets were sent over TCP \(at least 1000 required\)/,
  ],
  [
    'an answer that nobody can parse',
    (lab) =>
      lab.unparsed.push({ server: 'limits', transport: 'tcp', why: 'no magic cookie', bytes: '0101dead' }),
    ['answers.parsed'],
    /limits, over TCP: no magic cookie: 0101dead/,
  ],
];
