import { setTimeout as pause } from 'node:timers/promises';
import { ODD_RANGES } from '../turn/forbidden-peers.ts';
import { startCapture } from './capture.ts';
import type { LabFacts, LabSettings, SessionFacts } from './facts.ts';
import { ADDRESSES, type Namespaces, OWN_ADDRESSES } from './network.ts';
import { type RemoteAgent, startAgent } from './remote.ts';
import {
  LIMITED,
  LIMITS,
  OTHER_ACCOUNT,
  REQUESTS,
  SECRET,
  THIRD_ACCOUNT,
  tryRestSecret,
} from './scenarios/answers.ts';
import { fillPool } from './scenarios/capacity.ts';
import { cycleEvenPorts, EVEN_PORTS } from './scenarios/even-port.ts';
import { tryForbiddenPeers } from './scenarios/forbidden.ts';
import { throwPackets } from './scenarios/hostile.ts';
import { relayByIndependentClient } from './scenarios/independent.ts';
import { reachMetrics, scrapeOften } from './scenarios/metrics.ts';
import { MESSAGE_BYTES, MESSAGES, relayEverything } from './scenarios/relay.ts';
import { runService } from './scenarios/service.ts';
import { ACCOUNT, ECHO_PORT } from './scenarios/session.ts';
import {
  METRICS,
  type Program,
  prepareSanitized,
  prepareTarget,
  type RunningServer,
  startServer,
  testConfiguration,
} from './server.ts';

/** Of the hostile packets: the same ones for every package, so that a finding can be repeated. */
const SEED = 20260823;
/** Milliseconds that ended sessions may take to reach the metrics. */
const SETTLE_MS = 15_000;

const LISTEN = ['ipv4', 'ipv6'].flatMap((family) => {
  const address = ADDRESSES.server[family as 'ipv4' | 'ipv6'];
  return [`listening-ip=${address}`, `relay-ip=${address}`];
});
const user = ({ username, password }: typeof ACCOUNT) => `user=${username}:${password}`;

/** What there is before anything was tried: facts that fail every check. */
function nothing(): LabFacts {
  return {
    relays: [],
    ttl: { packets: 0, minTtl: 256 },
    answers: [],
    independent: [],
    forbidden: { attempts: [], leaked: [], control: { received: 0, captured: 0 } },
    capacity: { ports: 0, cycles: [], pairs: 0, perAllocation: { files: 0, residentBytes: 0 } },
    evenPort: { cycles: 0, granted: 0, refused: [], ports: EVEN_PORTS, servedAfterwards: 0 },
    scrapes: { scrapes: 0, succeeded: 0, before: 0, after: 0 },
    metricsReach: [],
    hostile: { seed: SEED, packets: 0, ended: undefined, suspects: [], afterwards: 'not tried' },
    sessions: {
      sessions: 0,
      messagesPerSession: MESSAGES,
      bytesPerMessage: MESSAGE_BYTES,
      before: '',
      after: '',
    },
    service: {
      emulated: false,
      state: 'not tried',
      log: '',
      restarted: 'not tried',
      stopped: 'not tried',
      reached: [],
    },
    servers: {},
    problems: {},
    logs: {},
    seconds: {},
  };
}

/**
 * Everything that is tried, one configuration after the other. What goes wrong with one of them, a server that does not
 * get ready or ends by itself included, is noted, and the others are tried all the same.
 */
export async function runScenarios(namespaces: Namespaces, settings: LabSettings): Promise<LabFacts> {
  const options = new Set(settings.options);
  const { scale } = settings;
  const agents = { server: startAgent(namespaces.server), peer: startAgent(namespaces.peer) };
  const facts = nothing();
  /** One thing that is tried. */
  const attempt = async (name: string, work: () => Promise<void>) => {
    const begin = Date.now();
    await work().catch((error: unknown) => {
      facts.problems[name] = error instanceof Error ? error.message : String(error);
    });
    facts.seconds[name] = Math.round((Date.now() - begin) / 100) / 10;
  };
  const withServer = (
    name: string,
    lines: string[],
    work: (server: RunningServer) => Promise<void>,
    program?: Program,
  ) =>
    attempt(name, async () => {
      const configuration = testConfiguration(settings.site, options, [...LISTEN, ...lines]);
      const where = { namespace: namespaces.server, agent: agents.server, site: settings.site };
      const server = await startServer(name, configuration, where, program);
      try {
        await work(server);
      } finally {
        facts.servers[name] = server.ended() ?? 'running';
        await server.stop();
        facts.logs[name] = server.log();
      }
    });
  try {
    prepareTarget();
    await agents.peer.echo(ADDRESSES.peer.ipv4, ECHO_PORT);
    await agents.peer.echo(ADDRESSES.peer.ipv6, ECHO_PORT);
    await withServer('relay', [user(ACCOUNT)], async ({ pid }) => {
      Object.assign(facts, await relays(namespaces, agents.server));
      await attempt('metrics', async () => {
        facts.metricsReach = await reachMetrics();
        facts.scrapes = await scrapeOften(agents.server, pid, scale.scrapes);
      });
    });
    await withServer('requests', [...[ACCOUNT, OTHER_ACCOUNT].map(user), ...ODD_RANGES.lines], async () => {
      for (const [name, group] of Object.entries(REQUESTS))
        await attempt(name, async () => void facts.answers.push(...(await group())));
      await attempt('independent', async () => {
        facts.independent = await relayByIndependentClient();
      });
      await attempt('forbidden', async () => {
        facts.forbidden = await tryForbiddenPeers(namespaces, OWN_ADDRESSES);
      });
    });
    await withServer('limits', limitedConfiguration(), async () => {
      for (const [name, group] of Object.entries(LIMITED))
        await attempt(name, async () => void facts.answers.push(...(await group())));
    });
    await withServer('capacity', [user(ACCOUNT), ...portLines(scale.ports)], async ({ pid }) => {
      facts.capacity = await fillPool(pid, scale.ports);
    });
    await withServer('even-port', [user(ACCOUNT), ...portLines(EVEN_PORTS)], async () => {
      facts.evenPort = await cycleEvenPorts(scale.evenPortCycles);
    });
    await withServer('hostile', [user(ACCOUNT)], async (server) => {
      facts.hostile = await throwPackets(server, SEED, scale.hostilePackets);
    });
    if (settings.sanitized) {
      const throwAll = async (server: RunningServer) => {
        facts.sanitized = await throwPackets(server, SEED, scale.hostilePackets);
      };
      await withServer('sanitized', [user(ACCOUNT)], throwAll, prepareSanitized());
    }
    await withServer('rest', ['use-auth-secret', `static-auth-secret=${SECRET}`], async () => {
      facts.answers.push(...(await tryRestSecret(Date.now())));
    });
    await attempt('service', async () => {
      facts.service = await runService(namespaces, agents.server, settings);
    });
    return facts;
  } finally {
    agents.server.stop();
    agents.peer.stop();
  }
}

/** A relay range of so many ports; it begins with an even one. */
function portLines(count: number): string[] {
  const first = 49_152;
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
  const before = await scrape(agent);
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

/** The metrics; nothing from a server that has none, which its relaying doesn't depend on. */
async function scrape(agent: RemoteAgent): Promise<string> {
  return agent.scrape(METRICS).catch(() => '');
}

/** Traffic gets into the metrics when a session has ended: waits until it has. */
async function settled(agent: RemoteAgent, messages: number): Promise<string> {
  const end = Date.now() + SETTLE_MS;
  for (;;) {
    const text = await scrape(agent);
    const sent = Number(/^turn_total_traffic_peer_sentp (\S+)$/m.exec(text)?.[1] ?? 0);
    if (sent >= messages || Date.now() > end) return text;
    await pause(250);
  }
}
