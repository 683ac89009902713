import type { LabFacts } from '../../lab/facts.ts';
import { type Check, complaints, type Verdict } from './check.ts';
import { parseSamples } from './facts.ts';
import { withLab } from './lab-check.ts';

const SCRAPES = 10_000;
const MAX_GROWTH_MIB = 5;

function judgeMetrics({ sessions }: LabFacts): Verdict {
  const before = parseSamples(sessions.before);
  const after = parseSamples(sessions.after);
  const messages = sessions.sessions * sessions.messagesPerSession;
  const wanted: Record<string, number> = {
    turn_total_traffic_peer_sentp: messages,
    turn_total_traffic_peer_rcvp: messages,
    turn_total_traffic_peer_sentb: messages * sessions.bytesPerMessage,
    turn_total_traffic_peer_rcvb: messages * sessions.bytesPerMessage,
  };
  const figures: Record<string, number | string> = { sessions: sessions.sessions, messages };
  const found = Object.entries(wanted).flatMap(([name, count]) => {
    // A metric of coturn's own client has no value before its first use.
    const grown = (after.get(name) ?? Number.NaN) - (before.get(name) ?? 0);
    figures[name] = Number.isNaN(grown) ? 'missing' : grown;
    return grown === count ? [] : [`${name} grew by ${figures[name]}, not ${count}`];
  });
  const allocations = (samples: Map<string, number>) =>
    [...samples]
      .filter(([name]) => /^turn_total_allocations\b/.test(name))
      .reduce((sum, [, value]) => sum + value, 0);
  figures['allocations before'] = allocations(before);
  figures['allocations after'] = allocations(after);
  if (allocations(before) !== allocations(after))
    found.push('the gauge of allocations has not come back to where it was');
  return complaints(
    found,
    `${sessions.sessions} sessions of ${sessions.messagesPerSession} messages: exact`,
    figures,
  );
}

/** Whether the metrics are true, for the operator alone, and cost no memory. */
export const metricsChecks: Check[] = [
  {
    id: 'metrics.scrapes',
    title: `Scrapes don't grow the server by ${MAX_GROWTH_MIB} MiB`,
    reason: 'A leak in each scrape ends a relay after weeks, in the middle of its calls.',
    reference: 'https://github.com/coturn/coturn/issues/1898',
    judge: withLab(({ scrapes: { scrapes, succeeded, before, after } }) => {
      const grown = after - before;
      const found: string[] = [];
      if (scrapes < SCRAPES) found.push(`${scrapes} scrapes, not ${SCRAPES}`);
      if (succeeded !== scrapes) found.push(`${succeeded} of ${scrapes} were answered`);
      if (before === 0 || after === 0) found.push('the memory of the server could not be read');
      if (grown >= MAX_GROWTH_MIB * 2 ** 20)
        found.push(`resident memory grew by ${(grown / 2 ** 20).toFixed(1)} MiB in ${scrapes} scrapes`);
      return complaints(found, `${scrapes} scrapes, ${Math.round(grown / 1024)} KiB more`, {
        scrapes,
        'resident bytes before': before,
        'resident bytes after': after,
      });
    }),
  },
  {
    id: 'metrics.private',
    title: 'The metrics are reached neither over the network nor through the relay',
    reason: 'They name realms and users, and tell a stranger how busy each relay is.',
    judge: withLab(({ metricsReach }) => {
      const found = metricsReach
        .filter(({ found: answer }) => ['open', 'success'].includes(answer))
        .map(({ way, address }) => `${address} was reached (${way})`);
      for (const [way, least] of [
        ['direct', 2],
        ['relay', 6],
      ] as const) {
        const count = metricsReach.filter((each) => each.way === way).length;
        if (count < least) found.push(`${count} addresses were tried (${way}), not ${least}`);
      }
      return complaints(found, `${metricsReach.length} attempts, none got through`, {
        attempts: metricsReach.length,
      });
    }),
  },
  {
    id: 'metrics.exact',
    title: 'Prometheus counts exactly the messages of ended sessions, and no allocation is left',
    reason: 'Capacity is planned and alerts are set by these figures.',
    judge: withLab(judgeMetrics),
  },
];
