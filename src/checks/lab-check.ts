import { type Blocker, type LabFacts, MIN_TTL, SCENARIOS, type Scenario } from '../lab/facts.ts';
import { BAD_REASON } from '../turn/client.ts';
import { blocked, type Check, fail, type Verdict } from './check.ts';
import type { PackageFacts } from './facts.ts';
import { blockedByInstallation } from './installation.ts';
import { withServer } from './needs.ts';

/** A check of facts from the laboratory. */
interface LabCheck extends Omit<Check, 'judge' | 'needs'> {
  /** The scenarios that it judges. If a failure prevented one of them, or its server, from running, that failure blocks the check. */
  scenarios: readonly Scenario[];
  /** Further scenarios whose results it uses if they ran; they never block it. */
  covers?: readonly Scenario[];
  /** The verdict for a package without the tested feature; undefined if the package has it. */
  without?: (facts: PackageFacts) => Verdict | undefined;
  judge: (lab: LabFacts, facts: PackageFacts) => Verdict;
}

export function labCheck({ scenarios, covers = [], without, judge, ...check }: LabCheck): Check {
  const names = scenarios.flatMap(withServer);
  const judgeLab = (facts: PackageFacts) => {
    const { lab } = facts;
    if (lab === undefined) return fail('the laboratory has no results');
    return blockedVerdict(lab, names) ?? explained(judge(lab, facts), lab, names);
  };
  return {
    ...check,
    needs: { scenarios: [...scenarios, ...covers] },
    judge: (facts) => without?.(facts) ?? judgeLab(facts),
  };
}

function blockedVerdict(lab: LabFacts, scenarios: readonly string[]): Verdict | undefined {
  const { notInstalled } = lab;
  if (notInstalled !== undefined) return blockedByInstallation(notInstalled);
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

/** `service` is a unit and has its own facts. */
const isServer = (name: string) => name in SCENARIOS && name !== 'service';

/** Why a server could not be used. @param how its state in `LabFacts.servers`: an exit code, a signal, or `silence over WAY` */
export function stateOf(how: string | undefined): string {
  if (how === undefined) return 'turnserver did not start';
  return how.startsWith('silence')
    ? `turnserver runs but no longer answers (${how})`
    : `turnserver exited unexpectedly with ${how}`;
}

/** The failed check behind a blocker, and the reason. */
function blockingCheck(lab: LabFacts, blocker: Blocker): [check: string, why: string] {
  if ('server' in blocker) {
    return ['network.alive', `${blocker.server}: ${stateOf(lab.servers[blocker.server])}`];
  }
  return [blockingTransport(lab, blocker.way), `no answer over ${wayName(blocker.way)}`];
}

/** The check that fails if the server does not answer over a way, e.g. `udp/ipv4`. */
export function blockingTransport({ ttl }: LabFacts, way: string): string {
  const [transport = ''] = way.split('/');
  const datagrams = transport === 'udp' || transport === 'dtls';
  return datagrams && ttl.packets > 0 && ttl.minTtl < MIN_TTL ? 'network.ttl' : `network.${transport}`;
}

/** The advisory for error responses with an invalid reason phrase: 4.10.0 sends uninitialised stack memory. */
export function leaksMemory({ lab }: PackageFacts): readonly string[] {
  const { unparsed = [] } = lab ?? {};
  return unparsed.length > 0 && unparsed.every(({ why }) => why === BAD_REASON) ? ['coturn-1878'] : [];
}

/** `udp/ipv4` -> `UDP and IPv4`. */
export function wayName(way: string): string {
  const [transport = '', family = ''] = way.split('/');
  return `${transport.toUpperCase()} and ${family === 'ipv6' ? 'IPv6' : 'IPv4'}`;
}

/** Adds the errors of the check's scenarios to a failed verdict, because they usually explain it. */
function explained(verdict: Verdict, { problems }: LabFacts, scenarios: readonly string[]): Verdict {
  const list = Object.entries(problems)
    .filter(([name]) => scenarios.includes(name))
    .map(([name, problem]) => `${name}: ${problem.split('\n').slice(-3).join(' | ')}`);
  if (verdict.ok || list.length === 0) return verdict;
  return { ...verdict, message: `${verdict.message} (${list.join('; ')})` };
}
