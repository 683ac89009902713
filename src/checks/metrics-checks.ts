import type { LabFacts, SessionFacts } from '../lab/facts.ts';
import type { Deviation } from '../recipe/deviations.ts';
import { blocked, type Check, cannotHere, complaints, fail, type Verdict } from './check.ts';
import { declaredTypes, type PackageFacts, parseSamples } from './facts.ts';
import { blockingTransport, labCheck } from './lab-check.ts';

const SCRAPES = 10_000;
const MAX_GROWTH_MIB = 5;

/** The expected growth of each metric: exact, and with the excess that this version is known to count. */
function expectedGrowth(
  { messages, channelMessages, bytesPerMessage }: SessionFacts,
  deviations: readonly Deviation[],
): { name: string; exact: number; known: number; because: string[] }[] {
  const exact: Record<string, number> = {
    turn_total_traffic_peer_sentp: messages,
    turn_total_traffic_peer_rcvp: messages,
    turn_total_traffic_peer_sentb: messages * bytesPerMessage,
    turn_total_traffic_peer_rcvb: messages * bytesPerMessage,
  };
  const messagesOf: Record<Deviation['message'], number> = { channel: channelMessages };
  return Object.entries(exact).map(([name, count]) => {
    const own = deviations.filter(({ metrics }) => metrics.includes(name));
    const more = own.reduce((sum, { message, bytes }) => sum + messagesOf[message] * bytes, 0);
    return { name, exact: count, known: count + more, because: own.map(({ summary }) => summary) };
  });
}

/** Compares the growth of metrics with the sessions that caused it. @param deviations of this version of coturn */
export function judgeSessions(sessions: SessionFacts, deviations: readonly Deviation[]): Verdict {
  const before = parseSamples(sessions.before);
  const after = parseSamples(sessions.after);
  const figures: Record<string, number | string> = {
    sessions: sessions.sessions,
    messages: sessions.messages,
  };
  const found: string[] = [];
  const notes: string[] = [];
  if (sessions.before === '') found.push('the metrics could not be scraped before the sessions');
  for (const { name, exact, known, because } of expectedGrowth(sessions, deviations)) {
    // coturn's own Prometheus client exports no value before a metric's first use.
    const grown = after.has(name) ? (after.get(name) ?? 0) - (before.get(name) ?? 0) : undefined;
    figures[name] = grown ?? 'missing';
    if (grown === undefined) found.push(`${name}: not exported (expected +${exact})`);
    else if (grown !== exact && grown !== known)
      found.push(
        `${name}: +${grown} (expected +${exact}${known === exact ? '' : `, or +${known} with the known deviation`})`,
      );
    else if (grown !== exact) {
      notes.push(`known deviation: ${name} is ${grown - exact} too high. ${because.join(' ')}`);
      figures[`${name}, known deviation`] = grown - exact;
    }
  }
  if (sessions.messages === 0) found.push('no message was relayed, so the result proves nothing');
  const allocations = (samples: Map<string, number>) =>
    [...samples]
      .filter(([name]) => /^turn_total_allocations\b/.test(name))
      .reduce((sum, [, value]) => sum + value, 0);
  figures['allocations before'] = allocations(before);
  figures['allocations after'] = allocations(after);
  for (const [when, count] of [
    ['before', allocations(before)],
    ['after', allocations(after)],
  ] as const)
    if (count !== 0) found.push(`turn_total_allocations is ${count} ${when} the sessions (expected 0)`);
  const good = `${sessions.messages} messages in ${sessions.sessions} sessions: counted exactly`;
  return complaints(found, [good, ...notes].join('; '), figures);
}

/** Without relayed messages there is nothing to compare the metrics with, so the failure that silenced the server blocks this check. */
function judgeExact(
  lab: LabFacts,
  { sessions, relays }: Pick<LabFacts, 'sessions' | 'relays'>,
  facts: PackageFacts,
) {
  const silent = lab.reach.find(({ remote }) => !remote);
  if (sessions.messages === 0 && silent !== undefined && relays.every(({ unreachable }) => unreachable))
    return blocked(blockingTransport(lab, `${silent.transport}/${silent.family}`), 'no client was answered');
  return judgeSessions(sessions, facts.deviations);
}

function judgeNames(facts: PackageFacts, scrape: string): Verdict {
  const declared = declaredTypes(scrape);
  const found = facts.metrics
    .filter((metric) => declared.get(metric.name) !== metric.type)
    .map((metric) => `${metric.name}: ${declared.get(metric.name) ?? 'missing'} (expected a ${metric.type})`);
  const strange = [...declared.keys()].filter(
    (name) =>
      /^(turn|stun)_/.test(name) &&
      !facts.sourceMetrics.has(name) &&
      !facts.metrics.some((metric) => metric.name === name),
  );
  found.push(
    ...strange.map((name) => `${name}: neither in recipes/metrics.yaml nor in the source of this version`),
  );
  found.push(...wrongLabels(facts, scrape));
  return complaints(found, `${facts.metrics.length} metrics`, { metrics: declared.size });
}

/** Series with labels other than those of the table: a label with unbounded values fills Prometheus's memory. */
function wrongLabels({ metrics }: PackageFacts, scrape: string): string[] {
  const found = new Set<string>();
  for (const series of parseSamples(scrape).keys()) {
    const [, name = '', labels = ''] = /^([^{]*)(?:\{(.*)\})?$/.exec(series) ?? [];
    const metric = metrics.find((each) => each.name === name);
    const own = [...labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)].map(([, label = '']) => label).sort();
    if (metric !== undefined && own.join() !== [...metric.labels].sort().join())
      found.add(
        `${name} has the labels ${own.join(', ') || '(none)'} (expected ${metric.labels.join(', ') || '(none)'})`,
      );
  }
  return [...found];
}

/** A program without metrics fails `elf.prometheus`, which blocks these checks. */
const withoutMetrics = ({ hasMicrohttpd }: PackageFacts): Verdict | undefined =>
  hasMicrohttpd ? undefined : blocked('elf.prometheus', 'this turnserver has no metrics');

/** Whether the metrics are accurate, private and free of leaks. */
export const metricsChecks: Check[] = [
  labCheck({
    id: 'metrics.names',
    title: 'Metric names, types and labels are those of this version',
    reason: 'Dashboards and alerts depend on metric names, and coturn has changed them six times.',
    scenarios: ['relays'],
    without: withoutMetrics,
    judge: (lab, facts) => judgeNames(facts, lab.sessions.after),
  }),
  labCheck({
    id: 'metrics.scrapes',
    title: `Memory growth per ${SCRAPES.toLocaleString('en')} scrapes is below ${MAX_GROWTH_MIB} MiB`,
    reason: 'A leak on every scrape crashes the relay after weeks, dropping calls.',
    reference: 'https://github.com/coturn/coturn/issues/1898',
    advisories: ({ lab }) => {
      const { before = 0, after = 0 } = lab?.scrapes ?? {};
      return after - before >= MAX_GROWTH_MIB * 2 ** 20 ? ['coturn-1898'] : [];
    },
    scenarios: ['metrics.scrapes'],
    without: withoutMetrics,
    judge: ({ scrapes: { scrapes, succeeded, before, after } }) => {
      const found: string[] = [];
      if (scrapes < SCRAPES) found.push(`only ${scrapes} scrapes were made (${SCRAPES} required)`);
      if (succeeded !== scrapes) found.push(`${succeeded} of ${scrapes} scrapes were answered`);
      if (before === undefined || after === undefined)
        return found.length > 0
          ? fail(found.join('; '))
          : cannotHere("the server's memory cannot be read here");
      const grown = after - before;
      if (before === 0 || after === 0) found.push('the memory of the server could not be read');
      if (grown >= MAX_GROWTH_MIB * 2 ** 20)
        found.push(`resident memory grew by ${(grown / 2 ** 20).toFixed(1)} MiB in ${scrapes} scrapes`);
      return complaints(found, `${scrapes} scrapes: memory grew by ${Math.round(grown / 1024)} KiB`, {
        scrapes,
        'resident bytes before': before,
        'resident bytes after': after,
      });
    },
  }),
  labCheck({
    id: 'metrics.private',
    title: 'The metrics are unreachable over the network and through the relay',
    reason: 'They disclose realms and users, and show how busy each relay is.',
    scenarios: ['metrics.private'],
    judge: ({ metricsReach }) => {
      const found = metricsReach
        .filter(({ found: answer }) => ['open', 'success'].includes(answer))
        .map(({ way, address }) => `${address} was reached (${way})`);
      for (const [way, least] of [
        ['direct', 2],
        ['relay', 6],
      ] as const) {
        const count = metricsReach.filter((each) => each.way === way).length;
        if (count < least)
          found.push(`only ${count} addresses were tried (${way}; at least ${least} required)`);
      }
      return complaints(found, `${metricsReach.length} attempts, all of them unsuccessful`, {
        attempts: metricsReach.length,
      });
    },
  }),
  labCheck({
    id: 'metrics.exact',
    title: 'Metrics count the messages of ended sessions exactly, and no allocation remains',
    reason: 'Capacity planning and alerts rely on these figures.',
    scenarios: ['relays'],
    without: withoutMetrics,
    judge: (lab, facts) => judgeExact(lab, lab, facts),
  }),
  labCheck({
    id: 'metrics.rest-secret',
    title: 'Metrics count the messages of sessions with REST credentials exactly',
    reason: 'Most services use REST credentials, and their user names change with every call.',
    scenarios: ['rest sessions'],
    without: withoutMetrics,
    judge: (lab, facts) =>
      judgeExact(lab, { sessions: lab.restSessions, relays: lab.restSessions.relays }, facts),
  }),
];
