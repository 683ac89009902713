import type { LabFacts } from '../../../src/lab/facts.ts';

/** An answer in the facts. */
export function answer(lab: LabFacts, id: string): LabFacts['answers'][number] {
  const found = lab.answers.find((each) => each.id === id);
  if (found === undefined) throw new Error(`the facts have no answer ${id}`);
  return found;
}

/** The fault, the checks that it fails, the message of the first one, and the checks that each of them blocks. */
export const PLANTED: [string, (lab: LabFacts) => void, string[], RegExp, Record<string, string[]>?][] = [
  ...(['udp', 'tcp', 'tls', 'dtls'] as const).map((transport): (typeof PLANTED)[number] => [
    `one message lost over ${transport}`,
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
    'a client that did not run',
    (lab) => {
      lab.relays.shift();
      lab.sessions.sessions -= 1;
      lab.sessions.messages -= 1000;
    },
    ['network.udp', 'metrics.exact'],
    /^3 clients ran \(expected 4\)/,
  ],
  [
    'a server that crashed',
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
    'one message lost with REST credentials',
    (lab) => {
      for (const relay of lab.restSessions.relays)
        if (relay.transport === 'tls' && relay.way === 'channel') relay.received = 49;
    },
    ['relay.rest-secret'],
    /^tls by channel: 49 of 50 messages came back$/,
  ],
  [
    'REST credentials refused over one transport',
    (lab) => {
      for (const relay of lab.restSessions.relays)
        if (relay.transport === 'dtls' && relay.way === 'send')
          Object.assign(relay, { sent: 0, received: 0, error: 'Allocate: 401 Unauthorized' });
    },
    ['relay.rest-secret'],
    /^dtls by send: 0 of 50 messages came back \(Allocate: 401 Unauthorized\)$/,
  ],
  [
    'REST credentials tested over TCP only',
    (lab) => {
      const relays = lab.restSessions.relays.filter(({ transport }) => transport === 'tcp');
      lab.restSessions.relays = relays;
    },
    ['relay.rest-secret'],
    /^2 clients ran \(expected 8\)$/,
  ],
  [
    'messages lost by the independent client',
    (lab) => {
      for (const each of lab.independent) if (each.transport === 'tls') each.received = 98;
    },
    ['network.independent'],
    /tls: 98 of 100 messages came back/,
  ],
  [
    'messages lost by the independent client over IPv4 while IPv6 is silent',
    (lab) => {
      for (const each of lab.reach)
        if (each.transport === 'udp' && each.family === 'ipv6') each.remote = false;
      for (const each of lab.independent) if (each.transport === 'udp') each.received = 98;
    },
    ['network.independent'],
    /^udp: 98 of 100 messages came back$/,
  ],
  [
    'messages lost by the independent client over UDP while TCP is silent',
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
    'an unanswered TLS client with REST credentials while TCP over IPv6 is silent',
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
    'a message lost over TCP with REST credentials while TLS is silent',
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
    'no captured datagrams while only TCP is silent',
    (lab) => {
      for (const each of lab.reach) if (each.transport === 'tcp') each.remote = false;
      lab.ttl = { packets: 0, minTtl: 256 };
    },
    ['network.ttl'],
    /^0 datagrams were captured/,
    { 'network.tcp': ['network.independent'] },
  ],
  [
    'a scenario that failed with a long message',
    (lab) => {
      lab.problems.forbidden = 'one\ntwo\nthree\nfour\nfive';
    },
    ['network.alive'],
    /^forbidden could not be completed: one \| two \| three$/,
  ],
  [
    'an independent client without an allocation',
    (lab) => {
      lab.independent = [{ transport: 'udp', error: 'TransactionFailed()' }, ...lab.independent.slice(1)];
    },
    ['network.independent'],
    /udp: TransactionFailed\(\)/,
  ],
  [
    'an independent client that did not run',
    (lab) => {
      lab.independent = [];
    },
    ['network.independent'],
    /udp: 0 of 100 messages came back; tcp: 0/,
  ],
  [
    'a TTL of 1, as in 4.17.0',
    (lab) => {
      lab.ttl.minTtl = 1;
    },
    ['network.ttl'],
    /^at least one of 8112 datagrams to clients had a TTL of 1$/,
  ],
  [
    'a TTL of 31, which is too low for distant clients',
    (lab) => {
      lab.ttl.minTtl = 31;
    },
    ['network.ttl'],
    /at least one of 8112 datagrams to clients had a TTL of 31$/,
  ],
  [
    'a capture of fewer datagrams than clients received',
    (lab) => {
      lab.ttl.packets = 7999;
    },
    ['network.ttl'],
    /7999 datagrams were captured, but clients received at least 8000/,
  ],
  [
    'an empty capture',
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
    `the answer "${found}" to ${id}`,
    (lab) => {
      answer(lab, id).found = found;
    },
    [`answers.${group}`],
    new RegExp(`: ${found} \\(expected `),
  ]),
  [
    'an answer without a valid MESSAGE-INTEGRITY',
    (lab) => {
      answer(lab, 'allocate').authentic = false;
    },
    ['answers.allocate'],
    /success, without a valid MESSAGE-INTEGRITY \(expected success\)/,
  ],
  [
    'requests that were not tested',
    (lab) => {
      lab.answers = lab.answers.filter(({ id }) => !id.startsWith('rest.'));
    },
    ['answers.rest'],
    /only 0 requests were tested \(at least 3 required\)/,
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
    'a packet sent to a forbidden peer',
    (lab) => lab.forbidden.leaked.push('IP 20.0.2.2.50000 > 10.0.0.1.4444: UDP, length 10'),
    ['peers.forbidden'],
    /1 packets left the server: IP 20\.0\.2\.2/,
  ],
  [
    'a control packet that was not captured',
    (lab) => {
      lab.forbidden.control.captured = 0;
      lab.forbidden.control6.captured = 1;
    },
    ['peers.forbidden'],
    /the result proves nothing/,
  ],
  [
    'a control packet that was not received',
    (lab) => {
      lab.forbidden.control6.received = 0;
    },
    ['peers.forbidden'],
    /^the control failed: a public peer was not reached either, so the result proves nothing$/,
  ],
  [
    'more peers and packets than a message lists',
    (lab) => {
      const peers = lab.forbidden.attempts.filter(({ by }) => by === 'Send').slice(0, 7);
      for (const each of peers) each.found = 'success';
      lab.forbidden.leaked.push('one', 'two', 'three', 'four');
    },
    ['peers.forbidden'],
    /^Send was granted for 7 of 173 peers: ([^,]*, ){5}and 2 more; 4 packets left the server: one \| two \| three$/,
  ],
  [
    'peers that were not tested',
    (lab) => {
      lab.forbidden.attempts = lab.forbidden.attempts.filter(({ by }) => by !== 'Connect').slice(0, 90);
    },
    ['peers.forbidden'],
    /only 30 peers were tried \(at least 60 required\); Connect was tried for 0 of 30/,
  ],
  [
    'a port that is not released',
    (lab) => {
      for (const [index, cycle] of lab.capacity.cycles.entries()) cycle.served -= index;
    },
    ['capacity.ports'],
    /round 2: 499 allocations from 500 ports; round 3: 498/,
  ],
  [
    'an allocation from an exhausted port pool',
    (lab) => {
      for (const cycle of lab.capacity.cycles) cycle.refused = 'success';
    },
    ['capacity.ports'],
    /^round 1: one more was answered with success \(expected 508\); round 2/,
  ],
  [
    'a refusal that takes 1 second',
    (lab) => {
      for (const cycle of lab.capacity.cycles) cycle.refusedMs = 1000;
    },
    ['capacity.ports'],
    /^round 1: the refusal took 1000 ms; round 2/,
  ],
  [
    'port pairs that share a port',
    (lab) => {
      lab.capacity.pairs = 251;
    },
    ['capacity.ports'],
    /251 allocations of port pairs \(expected 250\)/,
  ],
  [
    'a reservation token that yields no port',
    (lab) => {
      lab.capacity.claimed -= 1;
    },
    ['capacity.ports'],
    /only 249 of 250 reservation tokens yielded the second port/,
  ],
  [
    'second ports of pairs that are never released',
    (lab) => {
      lab.capacity.afterPairs -= 250;
    },
    ['capacity.even-port'],
    /250 of 500 ports lost after 250 pairs of ports/,
  ],
  [
    'allocation rounds that did not run',
    (lab) => {
      lab.capacity.cycles = [];
    },
    ['capacity.ports'],
    /only 0 rounds were run \(at least 3 required\)/,
  ],
  [
    'an even port that is never released',
    (lab) => {
      lab.evenPort.servedAfterwards -= 1;
    },
    ['capacity.even-port'],
    /1 of 2000 ports lost after 2000 allocations/,
  ],
  [
    'an exhausted supply of even ports',
    (lab) => {
      Object.assign(lab.evenPort, { granted: 500, refused: ['508'] });
    },
    ['capacity.even-port'],
    /500 of 2000 were granted; the others were answered with 508/,
  ],
  [
    'even ports that were not requested',
    (lab) => {
      Object.assign(lab.evenPort, { cycles: 0, granted: 0 });
    },
    ['capacity.even-port'],
    /only 0 allocations were tried \(at least 2000 required\)/,
  ],
  [
    'a packet that crashes the server',
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
    'a packet after which the server stops answering',
    (lab) => {
      lab.hostile.ended = 'silence';
      lab.hostile.suspects = ['0003dead'];
    },
    ['packets.hostile'],
    /silence; the cause is one of the last 1 packets \(all in lab\.json\): .*0003dead/,
  ],
  [
    'a valid client that is refused after the hostile packets',
    (lab) => {
      lab.hostile.afterwards = '508';
    },
    ['packets.hostile'],
    /answered with 508/,
  ],
  [
    'hostile packets that were not sent',
    (lab) => {
      lab.hostile.packets = 0;
    },
    ['packets.hostile'],
    /only 0 packets were sent \(at least 20000 required\)/,
  ],
  [
    'hostile packets that were not sent over TCP',
    (lab) => {
      lab.hostile.overTcp = 0;
    },
    ['packets.hostile'],
    /only 0 packets were sent over TCP \(at least 1000 required\)/,
  ],
  [
    'an answer that cannot be parsed',
    (lab) =>
      lab.unparsed.push({ server: 'limits', transport: 'tcp', why: 'no magic cookie', bytes: '0101dead' }),
    ['answers.parsed'],
    /limits, over TCP: no magic cookie: 0101dead/,
  ],
];
