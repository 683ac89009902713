import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { metricsChecks } from '../../../src/checks/metrics-checks.ts';
import type { LabFacts } from '../../../src/lab/facts.ts';
import { badOf, goodLab, ids, plantedLab } from '../../support/lab-facts.ts';
import { packageFacts } from '../../support/package-facts.ts';

/** The fault, the checks that it fails, and a message of the first. */
const PLANTED: [string, (lab: LabFacts) => void, string[], RegExp][] = [
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
    /20\.0\.11\.2 was reached \(direct\)/,
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
    'one packet too few in the metrics',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(/^(turn_total_traffic_peer_rcvp) \d+$/m, '$1 15999');
    },
    ['metrics.exact'],
    /^turn_total_traffic_peer_rcvp: \+15999, expected \+16000$/,
  ],
  [
    'a metric that is gone',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace(/^turn_total_traffic_peer_sentb .*$/m, '');
    },
    ['metrics.exact'],
    /turn_total_traffic_peer_sentb: not exported \(expected \+1600000\)/,
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
    /gauge of allocations is 1 after/,
  ],
  [
    'an allocation that was there before',
    (lab) => {
      lab.sessions.before = lab.sessions.before.replace(
        /^turn_total_allocations(\{.*\})? 0$/m,
        'turn_total_allocations$1 1',
      );
    },
    ['metrics.exact'],
    /gauge of allocations is 1 before/,
  ],
  [
    'sessions in which nothing was relayed, by a server that answered',
    (lab) => {
      Object.assign(lab.sessions, { messages: 0, channelMessages: 0, after: lab.sessions.before });
    },
    ['metrics.exact'],
    /no message was relayed, so nothing is proved/,
  ],
  [
    'counters that are one too high, of REST credentials',
    (lab) => {
      lab.restSessions.after = lab.restSessions.after.replace(
        /^(turn_total_traffic_peer_sentp) 400$/m,
        '$1 401',
      );
    },
    ['metrics.rest-secret'],
    /^turn_total_traffic_peer_sentp: \+401, expected \+400$/,
  ],
  [
    'a scrape that gave nothing',
    (lab) => {
      lab.restSessions.after = '';
    },
    ['metrics.rest-secret'],
    /turn_total_traffic_peer_sentp: not exported \(expected \+400\).*peer_rcvb: not exported \(expected \+40000\)/,
  ],
  [
    'REST credentials that get nothing relayed',
    (lab) => {
      Object.assign(lab.restSessions, { messages: 0, channelMessages: 0, after: lab.restSessions.before });
    },
    ['metrics.rest-secret'],
    /no message was relayed, so nothing is proved/,
  ],
  [
    'a metric that is missing',
    (lab) => {
      lab.sessions.after = lab.sessions.after.replace('# TYPE turn_total_allocations gauge\n', '');
    },
    ['metrics.names'],
    /^turn_total_allocations: missing \(expected a gauge\)$/,
  ],
  [
    'a metric of another type',
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
    'a metric that this version has not got',
    (lab) => {
      lab.sessions.after += '\n# TYPE turn_invented counter\n';
    },
    ['metrics.names'],
    /^turn_invented: neither in the table nor in the source of this version$/,
  ],
];

describe('checks of the metrics', () => {
  it.each(PLANTED)('%s is found', (_, change, expected, message) => {
    const { failed, blocked } = badOf(labChecks, plantedLab(change));
    expect(ids(failed)).toEqual(expected);
    expect(failed[0]?.message).toMatch(message);
    expect(blocked).toEqual([]);
  });

  it('each is failed by a planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , expected]) => expected));
    expect(metricsChecks.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });

  it('a counter that is declared, and has no value before its first use, was 0', () => {
    const change = (lab: LabFacts) => {
      for (const each of [lab.sessions, lab.restSessions])
        each.before = each.before.replace(/^turn_total_traffic.*$/gm, '');
    };
    expect(badOf(labChecks, plantedLab(change)).failed).toEqual([]);
  });

  it('a metric that only the source of a newer version has is none too many', () => {
    const lab = plantedLab(({ sessions }) => {
      sessions.after += '\n# TYPE turn_new counter\n';
    });
    expect(badOf(metricsChecks, lab, { sourceMetrics: new Set(['turn_new']) }).failed).toEqual([]);
    expect(ids(badOf(metricsChecks, lab, { sourceMetrics: new Set(['turn_other']) }).failed)).toEqual([
      'metrics.names',
    ]);
  });
});

// The 8,000 messages on channels, and what each of them adds.
const CHANNEL_BYTES = 8000 * 4;
const DEVIATION = {
  metrics: ['turn_total_traffic_peer_sentb'],
  message: 'channel' as const,
  bytes: 4,
  summary: 'The bytes include a header.',
  reference: 'https://github.com/coturn/coturn/pull/1',
};

/** Facts of a server that counts so many bytes to peers more than it has sent. */
const counting = (more: number, name = 'turn_total_traffic_peer_sentb') =>
  plantedLab(({ sessions }) => {
    const pattern = new RegExp(`^(${name}) (\\d+)$`, 'm');
    expect(sessions.after).toMatch(pattern);
    sessions.after = sessions.after.replace(
      pattern,
      (_, series: string, count: string) => `${series} ${Number(count) + more}`,
    );
  });
const exact = (lab: LabFacts, deviations = [DEVIATION]) => {
  const [found] = judgeAll(labChecks, packageFacts({ lab, deviations })).filter(
    ({ id }) => id === 'metrics.exact',
  );
  if (found === undefined) throw new Error('there is no metrics.exact');
  return found;
};

describe('a known deviation of a metric', () => {
  it('is allowed for byte by byte, and named with its size', () => {
    const { status, message, figures } = exact(counting(CHANNEL_BYTES));
    expect([status, message]).toEqual([
      'passed',
      '16000 messages in 16 sessions: exact; known deviation: turn_total_traffic_peer_sentb is 32000 too high. The bytes include a header.',
    ]);
    expect(figures).toMatchObject({
      turn_total_traffic_peer_sentb: 1_632_000,
      'turn_total_traffic_peer_sentb, known deviation': 32_000,
    });
  });

  it('is not needed: a server that counts right passes, and nothing is said of it', () => {
    const { status, message, figures } = exact(goodLab());
    expect([status, message]).toEqual(['passed', '16000 messages in 16 sessions: exact']);
    expect(Object.keys(figures).filter((name) => name.includes('deviation'))).toEqual([]);
  });

  it.each([1, -1, CHANNEL_BYTES - 1, CHANNEL_BYTES + 1, 16_000 * 4, -CHANNEL_BYTES])(
    'is no tolerance: %i bytes too many fail',
    (more) =>
      expect(exact(counting(more))).toMatchObject({
        status: 'failed',
        message: `turn_total_traffic_peer_sentb: +${1_600_000 + more}, expected +1600000 or, as known, +1632000`,
      }),
  );

  it('is one of the metrics that it names only', () =>
    expect(exact(counting(CHANNEL_BYTES, 'turn_total_traffic_peer_rcvb'))).toMatchObject({
      status: 'failed',
      message: 'turn_total_traffic_peer_rcvb: +1632000, expected +1600000',
    }));

  it('is none in a version that is not known for it', () =>
    expect(exact(counting(CHANNEL_BYTES), [])).toMatchObject({
      status: 'failed',
      message: 'turn_total_traffic_peer_sentb: +1632000, expected +1600000',
    }));

  it('adds up with others of the same metric', () => {
    const both = [DEVIATION, { ...DEVIATION, bytes: 1, summary: 'And another byte.' }];
    expect(exact(counting(8000 * 5), both)).toMatchObject({
      status: 'passed',
      message: expect.stringMatching(/40000 too high\. The bytes include a header\. And another byte\.$/),
    });
  });
});

describe('a leak in each scrape', () => {
  const leaking = plantedLab((lab) => {
    lab.scrapes.after = lab.scrapes.before + 36 * 2 ** 20;
  });
  const known = {
    id: 'coturn-1898',
    severity: 'medium' as const,
    fixed: '4.11.0',
    summary: '',
    reference: '',
  };
  const result = (advisories: (typeof known)[]) =>
    judgeAll(labChecks, packageFacts({ lab: leaking, advisories })).find(
      ({ id }) => id === 'metrics.scrapes',
    );

  it('is accounted for by the advisory of the version that has it, and by none elsewhere', () => {
    expect(result([known])).toMatchObject({ status: 'failed', advisories: ['coturn-1898'] });
    expect(result([])?.advisories).toBeUndefined();
  });
});
