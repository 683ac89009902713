import type { LabFacts } from '../../../src/lab/facts.ts';

/** The fault, the checks that it fails, and the message of the first one. */
export const PLANTED: [string, (lab: LabFacts) => void, string[], RegExp][] = [
  [
    'a memory leak in scrapes',
    (lab) => {
      lab.scrapes.after = Number(lab.scrapes.before) + 5 * 2 ** 20;
    },
    ['metrics.scrapes'],
    /grew by 5\.0 MiB in 10000 scrapes/,
  ],
  [
    'an unanswered scrape',
    (lab) => {
      lab.scrapes.succeeded = 9999;
    },
    ['metrics.scrapes'],
    /9999 of 10000 scrapes were answered/,
  ],
  [
    'too few scrapes, all of them answered',
    (lab) => {
      Object.assign(lab.scrapes, { scrapes: 9999, succeeded: 9999 });
    },
    ['metrics.scrapes'],
    /^only 9999 scrapes were made \(10000 required\)$/,
  ],
  [
    'memory usage that could not be read before the scrapes',
    (lab) => {
      Object.assign(lab.scrapes, { before: 0, after: 2 ** 20 });
    },
    ['metrics.scrapes'],
    /^the memory of the server could not be read$/,
  ],
  [
    'memory usage that could not be read after the scrapes',
    (lab) => {
      lab.scrapes.after = 0;
    },
    ['metrics.scrapes'],
    /^the memory of the server could not be read$/,
  ],
  [
    'memory usage that could not be read at all',
    (lab) => {
      Object.assign(lab.scrapes, { before: 0, after: 0 });
    },
    ['metrics.scrapes'],
    /could not be read/,
  ],
  [
    'metrics reachable on public IPv4 addresses',
    (lab) => {
      for (const reach of lab.metricsReach)
        if (reach.way === 'direct' && !reach.address.includes(':')) reach.found = 'open';
    },
    ['metrics.private'],
    /20\.0\.11\.2 was reached \(direct\)/,
  ],
  [
    'metrics reachable through the relay',
    (lab) => {
      for (const reach of lab.metricsReach)
        if (reach.way === 'relay' && reach.address === '127.0.0.1') reach.found = 'success';
    },
    ['metrics.private'],
    /127\.0\.0\.1 was reached \(relay\)/,
  ],
  [
    'no attempt to reach the metrics',
    (lab) => {
      lab.metricsReach = [];
    },
    ['metrics.private'],
    /only 0 addresses were tried \(direct; at least 2 required\)/,
  ],
  [
    'no attempt to reach the metrics through the relay',
    (lab) => {
      lab.metricsReach = lab.metricsReach.filter(({ way }) => way === 'direct');
    },
    ['metrics.private'],
    /^only 0 addresses were tried \(relay; at least 6 required\)$/,
  ],
  [
    'metrics not scraped before the sessions',
    (lab) => {
      lab.sessions.before = '';
    },
    ['metrics.exact'],
    /^the metrics could not be scraped before the sessions$/,
  ],
  [
    'a label with unbounded values',
    (lab) => {
      lab.sessions.after += '\nturn_total_allocations{type="UDP",user="a"} 0\n';
    },
    ['metrics.names'],
    /^turn_total_allocations has the labels type, user \(expected \(none\)\)$/,
  ],
  [
    'a packet counter that is one too low',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(/^(turn_total_traffic_peer_rcvp) \d+$/m, '$1 15999');
    },
    ['metrics.exact'],
    /^turn_total_traffic_peer_rcvp: \+15999 \(expected \+16000\)$/,
  ],
  [
    'a counter that is not exported',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(/^turn_total_traffic_peer_sentb .*$/m, '');
    },
    ['metrics.exact'],
    /turn_total_traffic_peer_sentb: not exported \(expected \+1600000\)/,
  ],
  [
    'an allocation left after the sessions',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(
        /^turn_total_allocations(\{.*\})? 0$/m,
        'turn_total_allocations$1 1',
      );
    },
    ['metrics.exact'],
    /turn_total_allocations is 1 after/,
  ],
  [
    'an allocation that exists before the sessions',
    (lab) => {
      lab.sessions.before = lab.sessions.before.replace(
        /^turn_total_allocations(\{.*\})? 0$/m,
        'turn_total_allocations$1 1',
      );
    },
    ['metrics.exact'],
    /turn_total_allocations is 1 before/,
  ],
  [
    'sessions that relayed nothing although the server answered',
    (lab) => {
      Object.assign(lab.sessions, { messages: 0, channelMessages: 0, after: lab.sessions.before });
    },
    ['metrics.exact'],
    /no message was relayed, so the result proves nothing/,
  ],
  [
    'a packet counter that is one too high with REST credentials',
    (lab) => {
      lab.restSessions.after = lab.restSessions.after.replace(
        /^(turn_total_traffic_peer_sentp) 400$/m,
        '$1 401',
      );
    },
    ['metrics.rest-secret'],
    /^turn_total_traffic_peer_sentp: \+401 \(expected \+400\)$/,
  ],
  [
    'an empty scrape with REST credentials',
    (lab) => {
      lab.restSessions.after = '';
    },
    ['metrics.rest-secret'],
    /turn_total_traffic_peer_sentp: not exported \(expected \+400\).*peer_rcvb: not exported \(expected \+40000\)/,
  ],
  [
    'sessions with REST credentials that relayed nothing',
    (lab) => {
      Object.assign(lab.restSessions, { messages: 0, channelMessages: 0, after: lab.restSessions.before });
    },
    ['metrics.rest-secret'],
    /no message was relayed, so the result proves nothing/,
  ],
  [
    'unanswered sessions with REST credentials after answered ones',
    (lab) => {
      Object.assign(lab.restSessions, { messages: 0, channelMessages: 0, after: lab.restSessions.before });
      for (const relay of lab.restSessions.relays)
        Object.assign(relay, { sent: 0, received: 0, unreachable: true });
    },
    ['relay.rest-secret', 'metrics.rest-secret'],
    /^8 of 8 clients were not answered$/,
  ],
  [
    'a missing gauge',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace('# TYPE turn_total_allocations gauge\n', '');
    },
    ['metrics.names'],
    /^turn_total_allocations: missing \(expected a gauge\)$/,
  ],
  [
    'a metric of the wrong type',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(
        '# TYPE turn_total_allocations gauge',
        '# TYPE turn_total_allocations counter',
      );
    },
    ['metrics.names'],
    /^turn_total_allocations: counter \(expected a gauge\)$/,
  ],
  [
    'a metric that is unknown in this version',
    (lab) => {
      lab.sessions.after += '\n# TYPE turn_invented counter\n';
    },
    ['metrics.names'],
    /^turn_invented: neither in recipes\/metrics\.yaml nor in the source of this version$/,
  ],
];
