import { setTimeout as pause } from 'node:timers/promises';
import { ODD_RANGES } from '../turn/forbidden-peers.ts';
import { startCapture } from './capture.ts';
import type { LabFacts, SessionFacts } from './facts.ts';
import { ADDRESSES, type Namespaces, OWN_ADDRESSES } from './network.ts';
import { type RemoteAgent, startAgent } from './remote.ts';
import {
  LIMITS,
  OTHER_ACCOUNT,
  SECRET,
  THIRD_ACCOUNT,
  tryLimits,
  tryRequests,
  tryRestSecret,
} from './scenarios/answers.ts';
import { fillPool, PORTS } from './scenarios/capacity.ts';
import { tryForbiddenPeers } from './scenarios/forbidden.ts';
import { relayByIndependentClient } from './scenarios/independent.ts';
import { MESSAGE_BYTES, MESSAGES, relayEverything } from './scenarios/relay.ts';
import { ACCOUNT, ECHO_PORT } from './scenarios/session.ts';
import { METRICS, prepareTarget, type RunningServer, startServer, testConfiguration } from './server.ts';

/** Milliseconds that ended sessions may take to reach the metrics. */
const SETTLE_MS = 15_000;

const LISTEN = ['ipv4', 'ipv6'].flatMap((family) => {
  const address = ADDRESSES.server[family as 'ipv4' | 'ipv6'];
  return [`listening-ip=${address}`, `relay-ip=${address}`];
});
const user = ({ username, password }: typeof ACCOUNT) => `user=${username}:${password}`;

/** Everything that is tried, one configuration after the other. @throws NotReady */
export async function runScenarios(namespaces: Namespaces, options: ReadonlySet<string>): Promise<LabFacts> {
  const agents = { server: startAgent(namespaces.server), peer: startAgent(namespaces.peer) };
  const logs: Record<string, string> = {};
  const seconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const begin = Date.now();
    const result = await work();
    seconds[name] = Math.round((Date.now() - begin) / 100) / 10;
    return result;
  };
  const withServer = async <T>(
    name: string,
    lines: string[],
    work: (server: RunningServer) => Promise<T>,
  ): Promise<T> => {
    const server: RunningServer = await startServer(name, testConfiguration(options, [...LISTEN, ...lines]), {
      namespace: namespaces.server,
      agent: agents.server,
    });
    try {
      return await timed(name, () => work(server));
    } finally {
      await server.stop();
      logs[name] = server.log();
    }
  };
  try {
    prepareTarget();
    await agents.peer.echo(ADDRESSES.peer.ipv4, ECHO_PORT);
    await agents.peer.echo(ADDRESSES.peer.ipv6, ECHO_PORT);
    const relayed = await withServer('relay', [user(ACCOUNT)], () => relays(namespaces, agents.server));
    const requests = await withServer(
      'requests',
      [user(ACCOUNT), user(OTHER_ACCOUNT), ...ODD_RANGES.lines],
      async () => ({
        answers: await tryRequests(),
        independent: await relayByIndependentClient(),
        forbidden: await tryForbiddenPeers(namespaces, OWN_ADDRESSES),
      }),
    );
    const limits = await withServer('limits', limitedConfiguration(), tryLimits);
    const capacity = await withServer('capacity', [user(ACCOUNT), ...portLines(PORTS)], ({ pid }) =>
      fillPool(pid),
    );
    const rest = await withServer('rest', ['use-auth-secret', `static-auth-secret=${SECRET}`], () =>
      tryRestSecret(Date.now()),
    );
    return {
      ...relayed,
      answers: [...requests.answers, ...limits, ...rest],
      independent: requests.independent,
      forbidden: requests.forbidden,
      capacity,
      logs,
      seconds,
    };
  } finally {
    agents.server.stop();
    agents.peer.stop();
  }
}

/** A relay range of so many ports; it begins with an even one. */
function portLines(count: number): string[] {
  const first = 50_000;
  return [`min-port=${first}`, `max-port=${first + count - 1}`];
}

function limitedConfiguration(): string[] {
  return [
    ...[ACCOUNT, OTHER_ACCOUNT, THIRD_ACCOUNT].map(user),
    `user-quota=${LIMITS.quota}`,
    ...portLines(LIMITS.ports),
    `stale-nonce=${LIMITS.nonceSeconds}`,
    `max-allocate-lifetime=${LIMITS.allocationSeconds}`,
  ];
}

async function relays(
  namespaces: Namespaces,
  agent: RemoteAgent,
): Promise<Pick<LabFacts, 'relays' | 'ttl' | 'sessions'>> {
  const before = await agent.scrape(METRICS);
  const capture = await startCapture(namespaces.client, [ADDRESSES.server.ipv4, ADDRESSES.server.ipv6]);
  const facts = await relayEverything();
  const ttl = await capture.stop();
  const messages = facts.reduce((sum, { sent }) => sum + sent, 0);
  const sessions: SessionFacts = {
    sessions: facts.length,
    messagesPerSession: MESSAGES,
    bytesPerMessage: MESSAGE_BYTES,
    before,
    after: await settled(agent, messages),
  };
  return { relays: facts, ttl, sessions };
}

/** Traffic gets into the metrics when a session has ended: waits until it has. */
async function settled(agent: RemoteAgent, messages: number): Promise<string> {
  const end = Date.now() + SETTLE_MS;
  for (;;) {
    const text = await agent.scrape(METRICS);
    const sent = Number(/^turn_total_traffic_peer_sentp (\S+)$/m.exec(text)?.[1] ?? 0);
    if (sent >= messages || Date.now() > end) return text;
    await pause(250);
  }
}
