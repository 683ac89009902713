import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { metricsChecks } from '../../../src/checks/metrics-checks.ts';
import type { LabFacts } from '../../../src/lab/facts.ts';
import { badOf, goodLab, ids, plantedLab } from '../../support/lab-facts.ts';
import { packageFacts } from '../../support/package-facts.ts';
import { PLANTED } from '../../support/planted/metrics.ts';

describe('metrics checks', () => {
  it.each(PLANTED)('detect a planted fault: %s', (_, change, expected, message) => {
    const { failed, blocked } = badOf(labChecks, plantedLab(change));
    expect(ids(failed)).toEqual(expected);
    expect(failed[0]?.message).toMatch(message);
    expect(blocked).toEqual([]);
  });

  it('each fail on at least one planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , expected]) => expected));
    expect(metricsChecks.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });

  it('treat a declared counter without a value as 0', () => {
    const change = (lab: LabFacts) => {
      for (const each of [lab.sessions, lab.restSessions])
        each.before = each.before.replace(/^turn_total_traffic.*$/gm, '');
    };
    expect(badOf(labChecks, plantedLab(change)).failed).toEqual([]);
  });

  it('allow an additional metric if the source defines it', () => {
    const lab = plantedLab(({ sessions }) => {
      sessions.after += '\n# TYPE turn_new counter\n';
    });
    expect(badOf(metricsChecks, lab, { sourceMetrics: new Set(['turn_new']) }).failed).toEqual([]);
    expect(ids(badOf(metricsChecks, lab, { sourceMetrics: new Set(['turn_other']) }).failed)).toEqual([
      'metrics.names',
    ]);
  });
});

// The 8,000 messages on channels, and the bytes that each of them adds.
const CHANNEL_BYTES = 8000 * 4;
const DEVIATION = {
  metrics: ['turn_total_traffic_peer_sentb'],
  message: 'channel' as const,
  bytes: 4,
  summary: 'The bytes include a header.',
  reference: 'https://github.com/coturn/coturn/pull/1',
};

/** Facts of a server that counts this many more bytes to peers than it sent. */
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
  it('passes if it matches to the byte, and is reported with its size', () => {
    const { status, message, figures } = exact(counting(CHANNEL_BYTES));
    expect([status, message]).toEqual([
      'passed',
      '16000 messages in 16 sessions: counted exactly; known deviation: turn_total_traffic_peer_sentb is 32000 too high. The bytes include a header.',
    ]);
    expect(figures).toMatchObject({
      turn_total_traffic_peer_sentb: 1_632_000,
      'turn_total_traffic_peer_sentb, known deviation': 32_000,
    });
  });

  it('is optional: a server that counts correctly passes without mentioning it', () => {
    const { status, message, figures } = exact(goodLab());
    expect([status, message]).toEqual(['passed', '16000 messages in 16 sessions: counted exactly']);
    expect(Object.keys(figures).filter((name) => name.includes('deviation'))).toEqual([]);
  });

  it.each([1, -1, CHANNEL_BYTES - 1, CHANNEL_BYTES + 1, 16_000 * 4, -CHANNEL_BYTES])(
    'is not a tolerance: a difference of %i bytes fails',
    (more) =>
      expect(exact(counting(more))).toMatchObject({
        status: 'failed',
        message: `turn_total_traffic_peer_sentb: +${1_600_000 + more} (expected +1600000, or +1632000 with the known deviation)`,
      }),
  );

  it('applies only to the metrics that it names', () =>
    expect(exact(counting(CHANNEL_BYTES, 'turn_total_traffic_peer_rcvb'))).toMatchObject({
      status: 'failed',
      message: 'turn_total_traffic_peer_rcvb: +1632000 (expected +1600000)',
    }));

  it('fails in a version without that deviation', () =>
    expect(exact(counting(CHANNEL_BYTES), [])).toMatchObject({
      status: 'failed',
      message: 'turn_total_traffic_peer_sentb: +1632000 (expected +1600000)',
    }));

  it('adds up with other deviations of the same metric', () => {
    const both = [DEVIATION, { ...DEVIATION, bytes: 1, summary: 'And another byte.' }];
    expect(exact(counting(8000 * 5), both)).toMatchObject({
      status: 'passed',
      message: expect.stringMatching(/40000 too high\. The bytes include a header\. And another byte\.$/),
    });
  });
});

describe('a memory leak in each scrape', () => {
  const leaking = plantedLab((lab) => {
    lab.scrapes.after = Number(lab.scrapes.before) + 36 * 2 ** 20;
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

  it('is attributed to the advisory in affected versions only', () => {
    expect(result([known])).toMatchObject({ status: 'failed', advisories: ['coturn-1898'] });
    expect(result([])?.advisories).toBeUndefined();
  });
});

describe('memory growth during scrapes', () => {
  const judged = (scrapes: Partial<LabFacts['scrapes']>) =>
    judgeAll(
      labChecks,
      packageFacts({
        lab: plantedLab((lab) => Object.assign(lab.scrapes, scrapes)),
        advisories: [{ id: 'coturn-1898', severity: 'medium', fixed: '4.11.0', summary: '', reference: '' }],
      }),
    ).find(({ id }) => id === 'metrics.scrapes');

  it('passes below the limit, and is reported in KiB', () =>
    expect(judged({ before: 18 * 2 ** 20, after: 19 * 2 ** 20 })).toMatchObject({
      status: 'passed',
      message: '10000 scrapes: memory grew by 1024 KiB',
    }));

  it('is attributed to the advisory once it reaches the limit', () =>
    expect(judged({ before: 18 * 2 ** 20, after: 23 * 2 ** 20 })?.advisories).toEqual(['coturn-1898']));

  it('does not excuse an unanswered scrape', () => {
    for (const after of [18, 19])
      expect(
        judged({ succeeded: 9999, before: 18 * 2 ** 20, after: after * 2 ** 20 })?.advisories,
      ).toBeUndefined();
  });

  it.each(['before', 'after'])('has no verdict if memory was not measured %s the scrapes', (when) =>
    expect(judged({ [when]: undefined })).toMatchObject({ status: 'cannot-here' }),
  );
});

describe('counters that do not start at 0', () => {
  it('are judged by their increase', () => {
    const lab = plantedLab(({ sessions }) => {
      const add = (text: string) =>
        text.replace(
          /^(turn_total_traffic_peer_\w+) (\d+)$/gm,
          (_, name: string, count: string) => `${name} ${Number(count) + 5}`,
        );
      Object.assign(sessions, { before: add(sessions.before), after: add(sessions.after) });
    });
    expect(lab.sessions.before).toMatch(/^turn_total_traffic_peer_sentp 5$/m);
    expect(exact(lab)).toMatchObject({ status: 'passed' });
  });
});

describe('labels of a metric', () => {
  it('may appear in any order', () => {
    const metric = packageFacts().metrics.find(({ labels }) => labels.length > 1);
    const series = `${metric?.name}{${metric?.labels
      .map((each) => `${each}="a"`)
      .reverse()
      .join(',')}} 1`;
    const same = `${metric?.name}{${metric?.labels.map((each) => `${each}="a"`).join(',')}} 1`;
    for (const each of [series, same]) {
      const lab = plantedLab(({ sessions }) => {
        sessions.after += `\n${each}\n`;
      });
      expect(badOf(metricsChecks, lab).failed).toEqual([]);
    }
  });
});

describe('sessions in which nothing was relayed', () => {
  it('fail metrics.exact if only another transport is silent', () => {
    const lab = plantedLab(({ reach, sessions, relays }) => {
      for (const each of reach) if (each.transport === 'dtls') each.remote = false;
      for (const each of relays) if (each.transport === 'dtls') each.unreachable = true;
      Object.assign(sessions, { messages: 0, channelMessages: 0, after: sessions.before });
    });
    expect(exact(lab)).toMatchObject({
      status: 'failed',
      message: 'no message was relayed, so the result proves nothing',
    });
  });

  it('fail metrics.exact if every transport was answered before', () => {
    const lab = plantedLab(({ sessions, relays }) => {
      for (const each of relays) each.unreachable = true;
      Object.assign(sessions, { messages: 0, channelMessages: 0, after: sessions.before });
    });
    expect(exact(lab)).toMatchObject({
      status: 'failed',
      message: 'no message was relayed, so the result proves nothing',
    });
  });
});

describe('a server whose memory cannot be measured', () => {
  const judged = (succeeded: number) => {
    const lab = plantedLab(({ scrapes }) =>
      Object.assign(scrapes, { succeeded, before: undefined, after: undefined }),
    );
    return judgeAll(labChecks, packageFacts({ lab })).find(({ id }) => id === 'metrics.scrapes');
  };

  it('has no verdict on memory, but fails if scrapes are unanswered', () => {
    expect(judged(10_000)).toMatchObject({ status: 'cannot-here' });
    expect(judged(9_999)).toMatchObject({ status: 'failed', message: '9999 of 10000 scrapes were answered' });
  });
});
