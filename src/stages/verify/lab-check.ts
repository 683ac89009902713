import { type Blocker, type LabFacts, MIN_TTL, SERVERS } from '../../lab/facts.ts';
import { blocked, fail, type Verdict } from './check.ts';
import type { PackageFacts } from './facts.ts';

/**
 * A check's judge that reads what was seen in the laboratory. Where one of the scenarios that it needs was not tried because of another
 * failure, the check is blocked by that.
 * @param scenarios names of src/lab/run.ts
 */
export const withLab =
  (scenarios: readonly string[], judge: (lab: LabFacts, facts: PackageFacts) => Verdict) =>
  (facts: PackageFacts): Verdict => {
    const { lab } = facts;
    if (lab === undefined) return fail('the laboratory has no results');
    return blockedVerdict(lab, scenarios) ?? explained(judge(lab, facts), lab, scenarios);
  };

function blockedVerdict(lab: LabFacts, scenarios: readonly string[]): Verdict | undefined {
  const down = scenarios.find(
    (name) => isServer(name) && lab.problems[name] !== undefined && lab.servers[name] === undefined,
  );
  const blocker =
    scenarios.map((name) => lab.blocked[name]).find((each) => each !== undefined) ??
    (down === undefined ? undefined : { server: down });
  if (blocker === undefined) return undefined;
  const [by, why] = blockingCheck(lab, blocker);
  return blocked(by, why);
}

/** `service` and its kin are units: what they do is a fact of their own. */
const isServer = (name: string) =>
  SERVERS.some((each) => each === name) && !['service', 'drain', 'vanished'].includes(name);

/** The check that fails where something could not be tried, and why. */
function blockingCheck(lab: LabFacts, blocker: Blocker): [check: string, why: string] {
  if ('server' in blocker) {
    const how = lab.servers[blocker.server] ?? 'did not start';
    return [
      'network.alive',
      `the server of "${blocker.server}" ${how === 'did not start' ? how : `ended in ${how}`}`,
    ];
  }
  return [blockingTransport(lab, blocker.way), `no answer over ${wayName(blocker.way)}`];
}

/** The check that fails where nothing is answered on a way: e.g. `udp/ipv4`. */
export function blockingTransport({ ttl }: LabFacts, way: string): string {
  const [transport = ''] = way.split('/');
  const datagrams = transport === 'udp' || transport === 'dtls';
  return datagrams && ttl.packets > 0 && ttl.minTtl < MIN_TTL ? 'network.ttl' : `network.${transport}`;
}

/** `udp/ipv4` -> `UDP and IPv4`. */
export function wayName(way: string): string {
  const [transport = '', family = ''] = way.split('/');
  return `${transport.toUpperCase()} and ${family === 'ipv6' ? 'IPv6' : 'IPv4'}`;
}

/** A failed verdict with what went wrong in its scenarios: it is mostly the reason. */
function explained(verdict: Verdict, { problems }: LabFacts, scenarios: readonly string[]): Verdict {
  const list = Object.entries(problems)
    .filter(([name]) => scenarios.includes(name))
    .map(([name, problem]) => `${name}: ${problem.split('\n').slice(-3).join(' | ')}`);
  if (verdict.ok || list.length === 0) return verdict;
  return { ...verdict, message: `${verdict.message} (${list.join('; ')})` };
}
