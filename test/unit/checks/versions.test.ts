import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { serviceChecks } from '../../../src/checks/service-checks.ts';
import type { LabFacts } from '../../../src/lab/facts.ts';
import type { CheckResult } from '../../../src/manifest/schema.ts';
import { advisoriesFor, advisoriesSchema } from '../../../src/recipe/advisories.ts';
import { deviationsFor, deviationsSchema } from '../../../src/recipe/deviations.ts';
import { metricsFor, metricsSchema } from '../../../src/recipe/metrics.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';
import { packageFacts } from '../../support/package-facts.ts';

// Recorded laboratory facts of coturn releases for debian-13 on x86_64, one file per version. Only the ends of logs and every second
// forbidden peer are kept. An added file is judged like the others: every check must pass unless it has an entry below.
const folder = new URL('../../fixtures/versions/', import.meta.url);
interface Capture {
  /** turnserver drains on SIGUSR1. */
  drains: boolean;
  /** It reloads its certificate on SIGUSR2; missing in recordings from before reloads were tested. */
  reloads?: boolean;
  /** It has metrics: Debian's own 4.18.0 has none. */
  hasMicrohttpd: boolean;
  lab: LabFacts;
}
const captureOf = (version: string): Capture =>
  JSON.parse(readFileSync(new URL(`${version}.json`, folder), 'utf8'));
const VERSIONS = readdirSync(folder).map((name) => name.replace(/\.json$/, ''));

const recipe = (name: string) => readFileSync(new URL(`../../../recipes/${name}`, import.meta.url), 'utf8');
const known = {
  metrics: parseRecipeFile('recipes/metrics.yaml', recipe('metrics.yaml'), metricsSchema),
  deviations: parseRecipeFile('recipes/deviations.yaml', recipe('deviations.yaml'), deviationsSchema),
  advisories: parseRecipeFile('recipes/advisories.yaml', recipe('advisories.yaml'), advisoriesSchema),
};

function judge(version: string, facts: Partial<PackageFacts> = {}): CheckResult[] {
  const capture = captureOf(version);
  const checks = [...labChecks, ...serviceChecks].filter(
    ({ id }) => capture.reloads !== undefined || id !== 'service.reload',
  );
  return judgeAll(
    checks,
    packageFacts({
      ...capture,
      version,
      metrics: metricsFor(version, known.metrics),
      deviations: deviationsFor(version, known.deviations),
      advisories: advisoriesFor(version, known.advisories),
      ...facts,
    }),
  );
}

const checkOf = (results: readonly CheckResult[], id: string): CheckResult => {
  const found = results.find((result) => result.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
};

/** `capacity.even-port failed: CVE-2026-73215`, `network.udp blocked: network.ttl`. */
const line = ({ id, status, blockedBy, advisories = [] }: CheckResult) => {
  const why = [...(blockedBy === undefined ? [] : [blockedBy]), ...advisories].join(', ');
  return `${id} ${status}${why === '' ? '' : `: ${why}`}`;
};

const NO_DRAIN = 'service.drain not-applicable';
const EVEN_PORTS = 'capacity.even-port failed: CVE-2026-73215';
/** Checks that need UDP. TCP and TLS, the metrics, and the unit's start, restart and stop do not. */
const NEEDS_UDP = [
  'network.independent',
  'answers.binding',
  'answers.credentials',
  'answers.nonce',
  'answers.rest',
  'answers.allocate',
  'answers.allocation',
  'answers.refresh',
  'answers.permission',
  'answers.channel',
  'answers.peer',
  'answers.quota',
  'answers.ports',
  'peers.forbidden',
  'packets.hostile',
  'capacity.ports',
  'capacity.even-port',
  'service.drain',
  'service.reload',
  'service.metadata',
];
/** Checks that do not pass, in the order of the report; none for a healthy release. */
const NOT_PASSED: Record<string, string[]> = {
  '4.5.2': [NO_DRAIN],
  '4.9.0': [EVEN_PORTS],
  '4.14.0': [EVEN_PORTS],
  '4.16.0': [EVEN_PORTS],
  '4.17.1': [
    'network.udp blocked: network.ttl',
    'network.dtls blocked: network.ttl',
    'relay.rest-secret blocked: network.ttl',
    'network.ttl failed: coturn-2043',
    ...NEEDS_UDP.map((id) => `${id} blocked: network.ttl`),
  ],
  // Debian's own package: the configuration denies no peer, the unit neither drains nor denies metadata services, and metrics are missing.
  '4.18.0': [
    'answers.peer failed',
    'peers.forbidden failed',
    ...['names', 'scrapes', 'exact', 'rest-secret'].map((name) => `metrics.${name} blocked: elf.prometheus`),
    'service.drain failed',
    'service.metadata failed',
  ],
};

describe.each(VERSIONS)('coturn %s', (version) => {
  const results = judge(version);

  it('passes every check except its known failures', () =>
    expect(results.filter(({ status }) => status !== 'passed').map(line)).toEqual(NOT_PASSED[version] ?? []));

  it('blocks checks only by failed checks', () => {
    // The absence of metrics shows in the program, which a recording does not contain.
    const by = new Set(results.flatMap(({ blockedBy }) => blockedBy ?? []));
    by.delete('elf.prometheus');
    expect([...by].map((id) => checkOf(results, id).status)).toEqual([...by].map(() => 'failed'));
  });

  it('reports a deviation of its metrics if and only if it is known for one', () => {
    const deviates = deviationsFor(version, known.deviations).length > 0;
    const exact = ['metrics.exact', 'metrics.rest-secret'].map((id) => checkOf(results, id));
    const passed = exact.filter(({ status }) => status === 'passed');
    expect(passed).toHaveLength(captureOf(version).hasMicrohttpd ? 2 : 0);
    for (const { id, message } of passed) expect(message.includes('known deviation'), id).toBe(deviates);
  });

  it('does not pass metrics.names with the metrics of another version', () => {
    const other = version === '4.5.2' ? '4.18.0' : '4.5.2';
    const found = checkOf(judge(version, { metrics: metricsFor(other, known.metrics) }), 'metrics.names');
    expect(found.status).toBe(captureOf(version).hasMicrohttpd ? 'failed' : 'blocked');
  });
});

describe('known failures of releases', () => {
  it('cover only versions with a recording', () =>
    expect(VERSIONS).toEqual(expect.arrayContaining(Object.keys(NOT_PASSED))));

  it('4.16.0 counts the ChannelData header: 4 bytes in each of 8,000 messages', () => {
    const found = checkOf(judge('4.16.0'), 'metrics.exact');
    expect(found).toMatchObject({
      status: 'passed',
      message: expect.stringMatching(/known deviation: turn_total_traffic_peer_sentb is 32000 too high\. /),
      figures: { 'turn_total_traffic_peer_sentb, known deviation': 32_000 },
    });
    expect(checkOf(judge('4.16.0', { deviations: [] }), 'metrics.exact')).toMatchObject({
      status: 'failed',
      message: 'turn_total_traffic_peer_sentb: +1632000 (expected +1600000)',
    });
  });

  it('4.16.0 loses a port with each even port, which only the advisory explains', () => {
    expect(checkOf(judge('4.16.0'), 'capacity.even-port').message).toMatch(
      /1000 of 2000 ports lost after 1000 allocations \(CVE-2026-73215, fixed in 4\.17\.0\)$/,
    );
    const unknown = checkOf(judge('4.16.0', { advisories: [] }), 'capacity.even-port');
    expect([unknown.status, unknown.advisories]).toEqual(['failed', undefined]);
  });

  it('4.17.1 answers with TTL 1, its only failure', () => {
    const failed = judge('4.17.1').filter(({ status }) => status === 'failed');
    expect(failed.map(({ id, cause }) => [id, cause])).toEqual([
      [
        'network.ttl',
        'UDP answers leave with TTL 1: clients behind a router never receive them (coturn #2043)',
      ],
    ]);
    expect(failed[0]?.message).toMatch(
      /^at least one of \d+ datagrams to clients had a TTL of 1 \(coturn-2043, fixed in 4\.18\.0\)$/,
    );
  });

  it('4.5.2 cannot drain, as service.drain reports', () =>
    expect(checkOf(judge('4.5.2'), 'service.drain').message).toBe('coturn 4.5.2 cannot drain'));
});
