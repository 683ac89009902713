import { type Check, complaints, fail, pass, skip, type Verdict, value } from './check.ts';
import { clientCounts, declaredTypes, type PackageFacts, parseSamples } from './facts.ts';

const CREDENTIALS = ['long-term', 'rest-secret'] as const;
const TRANSPORTS = ['udp', 'tcp', 'tls', 'dtls'] as const;

/** Messages that each client of recipes/docker/verify/traffic.sh sends. */
const MESSAGES = 50;
/** Payload of one message in bytes. */
const MESSAGE_BYTES = 100;

/** What turnutils_uclient says when it gets no allocation. */
const REFUSED = /401|Unauthori[sz]ed|Cannot complete Allocation/i;

const text = (facts: PackageFacts, name: string) => facts.files.get(name) ?? '';

/**
 * How much an unlabelled metric grew between two scrapes; undefined if either hasn't got it. coturn's own client (from
 * 4.14) declares a metric from the start, but gives it a value only on first use: until then it is 0.
 */
function delta(facts: PackageFacts, before: string, after: string, metric: string): number | undefined {
  const sample = (name: string) => parseSamples(text(facts, `${name}.metrics`)).get(metric);
  const first =
    sample(before) ?? (declaredTypes(text(facts, `${before}.metrics`)).has(metric) ? 0 : undefined);
  const second = sample(after);
  return first === undefined || second === undefined ? undefined : second - first;
}

function judgeTransport(facts: PackageFacts, credentials: string, transport: string): Verdict {
  if (value(facts, `${credentials}.ready`) !== 'yes')
    return fail(`turnserver did not start: ${lastLines(text(facts, `${credentials}.log`))}`);
  const log = text(facts, `${credentials}.${transport}.log`);
  const counts = clientCounts(log);
  if (counts === undefined) return fail(`the client sent nothing: ${lastLines(log)}`);
  const attempts = Number(facts.values.get(`${credentials}.${transport}.attempts`) ?? 1);
  const figures = { sent: counts.sent, received: counts.received, attempts };
  if (counts.sent !== MESSAGES) return fail(`${counts.sent} of ${MESSAGES} messages were sent`, figures);
  if (counts.received !== MESSAGES)
    return fail(`${counts.received} of ${MESSAGES} messages came back from the peer`, figures);
  return pass(`${MESSAGES} of ${MESSAGES} messages went to the peer and back`, figures);
}

/** The peer figures of one server run: every message that a client sent, in whatever attempt, went out once and came back once. */
function judgeCounters(facts: PackageFacts, credentials: string): Verdict {
  const sent = TRANSPORTS.map((transport) => Number(facts.values.get(`${credentials}.${transport}.sent`)));
  const expected = sent.reduce((sum, count) => sum + count, 0);
  if (!sent.every((count) => count >= MESSAGES))
    return fail(`the clients sent ${sent.join(', ')} messages, not ${MESSAGES} or more each`);
  const wanted: Record<string, number> = {
    turn_total_traffic_peer_sentp: expected,
    turn_total_traffic_peer_rcvp: expected,
    turn_total_traffic_peer_sentb: expected * MESSAGE_BYTES,
    turn_total_traffic_peer_rcvb: expected * MESSAGE_BYTES,
  };
  const figures: Record<string, number | string> = {};
  const found = Object.entries(wanted).flatMap(([metric, count]) => {
    const grown = delta(facts, `${credentials}.before`, `${credentials}.after`, metric);
    figures[metric] = grown ?? 'missing';
    return grown === count ? [] : [`${metric} grew by ${grown ?? 'nothing known'}, not ${count}`];
  });
  return complaints(found, `peer counters grew by exactly ${expected} packets each way`, figures);
}

const transportChecks: Check[] = CREDENTIALS.flatMap((credentials) =>
  TRANSPORTS.map((transport) => ({
    id: `relay.${credentials}.${transport}`,
    title: `Relays over ${transport.toUpperCase()} with ${credentials === 'long-term' ? 'long-term credentials' : 'a REST secret'}`,
    reason: 'An allocation on the installed package, with data to a peer and back, counted.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656',
    judge: (facts: PackageFacts) => judgeTransport(facts, credentials, transport),
  })),
);

export const trafficChecks: Check[] = [
  {
    id: 'stun.vectors',
    title: 'The STUN test vectors of RFC 5769',
    reason: 'Message integrity and fingerprints computed on this architecture agree with the standard.',
    reference: 'https://www.rfc-editor.org/rfc/rfc5769',
    judge: (facts) => {
      if (!facts.built)
        return skip('turnutils_rfc5769check is in no package; a build makes it of the same source');
      const code = value(facts, 'rfc5769check.exit');
      const log = text(facts, 'rfc5769check.log');
      const passed = (log.match(/success/g) ?? []).length;
      if (code !== '0' || /failure/.test(log))
        return fail(`turnutils_rfc5769check ended with ${code}: ${lastLines(log)}`);
      return passed > 0
        ? pass(`${passed} vectors`, { vectors: passed })
        : fail('turnutils_rfc5769check reported no vector');
    },
  },
  {
    id: 'server.shipped',
    title: 'Starts with the shipped configuration, and understands every line of it',
    reason: 'A line that is not understood is only a warning, and the server runs on without it.',
    judge: (facts) => {
      if (value(facts, 'shipped.ready') !== 'yes')
        return fail(`turnserver did not start: ${lastLines(text(facts, 'shipped.log'))}`);
      const bad = text(facts, 'shipped.log')
        .split('\n')
        .filter((line) => /bad configuration format|wrong configuration|cannot parse/i.test(line));
      return complaints(bad, 'no "Bad configuration format"');
    },
  },
  {
    id: 'server.stun',
    title: 'Answers a STUN binding request',
    reason: 'The first thing that every client does.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8489',
    judge: (facts) => {
      const log = text(facts, 'stun.log');
      const address = /UDP reflexive addr: (\S+)/.exec(log)?.[1];
      return address === undefined
        ? fail(`no reflexive address: ${lastLines(log)}`)
        : pass(`reflexive address ${address}`);
    },
  },
  {
    id: 'server.closed',
    title: 'Nobody without credentials gets a relay, and no administration port is open',
    reason: 'The package is started on machines with public addresses before anybody has edited anything.',
    judge: (facts) => {
      const found: string[] = [];
      if (value(facts, 'shipped.ready') !== 'yes') found.push('turnserver did not start');
      for (const name of ['anonymous', 'stranger']) {
        const log = facts.files.get(`${name}.log`);
        if (log === undefined) found.push(`the ${name} client did not run`);
        else if ((clientCounts(log)?.sent ?? 0) > 0) found.push(`the ${name} client got a relay`);
        else if (!REFUSED.test(log))
          found.push(`nothing says that the ${name} client was refused: ${lastLines(log)}`);
      }
      if (value(facts, 'shipped.cli') !== 'closed')
        found.push(`the telnet port 5766 is ${value(facts, 'shipped.cli')}`);
      const open = value(facts, 'shipped.metrics.public');
      if (open === 'yes') found.push("the metrics can be read at the machine's own address");
      else if (open !== 'no') found.push(`whether the metrics are public could not be tried (${open})`);
      return complaints(found, 'no relay for strangers, port 5766 closed, metrics on loopback only');
    },
  },
  ...transportChecks,
  ...CREDENTIALS.map((credentials) => ({
    id: `relay.${credentials}.refused`,
    title: `A wrong ${credentials === 'long-term' ? 'password' : 'secret'} is refused`,
    reason: 'The same server that has just served the right one.',
    judge: (facts: PackageFacts): Verdict => {
      const log = facts.files.get(`${credentials}.wrong.log`);
      if (log === undefined) return fail('the client did not run');
      const sent = clientCounts(log)?.sent ?? 0;
      if (sent > 0) return fail('a client with a wrong password got a relay', { sent });
      return REFUSED.test(log) ? pass('refused', { sent }) : fail(`no refusal seen: ${lastLines(log)}`);
    },
  })),
  ...CREDENTIALS.map((credentials) => ({
    id: `metrics.${credentials}`,
    title: `Prometheus peer counters equal the messages sent (${credentials})`,
    reason: 'Metrics that are there but wrong are worse than none: capacity is planned by them.',
    judge: (facts: PackageFacts) => judgeCounters(facts, credentials),
  })),
  {
    id: 'metrics.names',
    title: 'The metric names and types are those of this version',
    reason: 'Dashboards and alerts are written against names; coturn has changed them six times.',
    judge: (facts) => {
      const declared = declaredTypes(text(facts, 'long-term.after.metrics'));
      const found = facts.metrics
        .filter((metric) => declared.get(metric.name) !== metric.type)
        .map((metric) => `${metric.name} is ${declared.get(metric.name) ?? 'missing'}, not a ${metric.type}`);
      const strange = [...declared.keys()].filter(
        (name) =>
          /^(turn|stun)_/.test(name) &&
          !facts.sourceMetrics.has(name) &&
          !facts.metrics.some((metric) => metric.name === name),
      );
      found.push(
        ...strange.map((name) => `${name} is neither in the table nor in the source of this version`),
      );
      return complaints(found, `${facts.metrics.length} metrics`, { metrics: declared.size });
    },
  },
  {
    id: 'server.stop',
    title: 'Stops on SIGTERM, with 0 where this version handles it',
    reason: 'Anything else is a failed unit in the journal at every deployment.',
    judge: (facts) => {
      // 143: ended by the signal itself, which systemd counts as clean; all that a version without a handler can do.
      const clean = facts.handlesStop === true ? ['0'] : ['0', '143'];
      const stops = ['shipped', ...CREDENTIALS].map((name) => [name, value(facts, `${name}.stop`)] as const);
      return complaints(
        stops.filter(([, code]) => !clean.includes(code)).map(([name, code]) => `${name} ended with ${code}`),
        stops.every(([, code]) => code === '0')
          ? 'three times 0'
          : 'ended by the signal: this version has no handler for it',
      );
    },
  },
];

function lastLines(log: string): string {
  return log.trim() === '' ? '(no output)' : log.trim().split('\n').slice(-4).join(' | ');
}
