import { setTimeout as pause } from 'node:timers/promises';
import { ODD_RANGES } from '../turn/forbidden-peers.ts';
import type { Capture } from './capture.ts';
import type { Blocker, LabFacts, LabSettings, Scenario, SessionFacts, TriedServer } from './facts.ts';
import { ADDRESSES, OWN_ADDRESSES } from './network.ts';
import { nothing, SEED } from './nothing.ts';
import { type Clients, createClients, Unreachable, type Way } from './reach.ts';
import type { RemoteAgent } from './remote.ts';
import {
  LIMITED,
  LIMITS,
  OTHER_ACCOUNT,
  REQUESTS,
  restCredentials,
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
import { EVERYTHING, MESSAGE_BYTES, type RelayPlan, relayAll } from './scenarios/relay.ts';
import { ACCOUNT, ECHO_PORT, type Tried } from './scenarios/session.ts';
import { METRICS, portLines } from './server-configuration.ts';
import type { RunningServer, Subject } from './subject.ts';

/** Milliseconds that ended sessions may take to reach the metrics. */
const SETTLE_MS = 15_000;
/** What every scenario but the relays needs, if it says nothing else. */
const UDP4: readonly Way[] = ['udp/ipv4'];
/** Of clients that come by either address family. */
const UDP: readonly Way[] = ['udp/ipv4', 'udp/ipv6'];

const user = ({ username, password }: typeof ACCOUNT) => `user=${username}:${password}`;

/** A server with its configuration, and what is tried with it. */
interface Configuration {
  name: TriedServer;
  lines: string[];
  /** It runs the turnserver that was compiled with AddressSanitizer. */
  sanitized?: true;
  /** What has to be answered for any of it to be tried; UDP over IPv4 without it. */
  needs?: readonly Way[];
  work: (server: RunningServer, tried: Tried) => Promise<void>;
}

/**
 * Everything that is tried. The first server is asked whether it answers on each transport at all; then all of them are tried side by
 * side, each on a machine of its own. What goes wrong with one of them, a server that does not get ready or ends by itself included, is
 * noted, and the others are tried all the same. What needs something that does not work is noted as blocked by it, and not tried.
 */
export async function runScenarios(
  subject: Subject,
  peer: RemoteAgent,
  settings: LabSettings,
): Promise<LabFacts> {
  const { scale, emulated, scenarios } = settings;
  const isChosen = (name: Scenario) => scenarios.includes(name);
  const facts = nothing();
  const isSilent = (way: Way) =>
    facts.reach.some(({ transport, family, remote }) => !remote && way === `${transport}/${family}`);
  // The last resort: the other scenarios go on, and the check that everything was tried to its end fails.
  const survive = (error: unknown) => {
    facts.problems.laboratory = error instanceof Error ? (error.stack ?? error.message) : String(error);
  };
  process.on('uncaughtException', survive);
  process.on('unhandledRejection', survive);

  /** One thing that is tried, if it was chosen. The first server always is: it tells what is answered at all. */
  const attempt = async (
    name: Scenario,
    blocker: Blocker | undefined,
    work: () => Promise<void>,
    server: string = name,
  ) => {
    if (name !== 'relay' && !isChosen(name)) return;
    if (blocker !== undefined) {
      facts.blocked[name] = blocker;
      return;
    }
    const begin = Date.now();
    await work().catch((error: unknown) => {
      // Nobody is answered on that way; or not any more, which is the server's fault and not that of what was tried.
      // How a unit's server is, is a fact of the unit.
      if (error instanceof Unreachable && (isSilent(error.way) || name !== 'service'))
        facts.blocked[name] = isSilent(error.way) ? { way: error.way } : { server };
      else facts.problems[name] = error instanceof Error ? error.message : String(error);
    });
    facts.seconds[name] = Math.round((Date.now() - begin) / 100) / 10;
  };
  const blockedWay = (clients: Clients, ways: readonly Way[]): Blocker | undefined => {
    const way = clients.silentWay(ways);
    return way === undefined ? undefined : { way };
  };
  /** One thing that is tried with a server, which may have ended meanwhile. */
  const attemptWith = (
    name: Scenario,
    { server, tried: { clients } }: { server: RunningServer; tried: Tried },
    ways: readonly Way[],
    work: () => Promise<void>,
  ) => {
    const ended: Blocker | undefined = server.ended() === undefined ? undefined : { server: server.name };
    return attempt(name, ended ?? blockedWay(clients, ways), work, server.name);
  };
  const finish = async (server: RunningServer, clients: Clients) => {
    const left = clients.leftWay(server.name);
    facts.servers[server.name] = server.ended() ?? (left === undefined ? 'running' : `silence over ${left}`);
    await server.stop();
    facts.logs[server.name] = server.log();
  };
  const tryServer = (configuration: Configuration, clients: Clients) =>
    attempt(configuration.name, blockedWay(clients, configuration.needs ?? UDP4), async () => {
      const server = await subject.start(configuration);
      try {
        await configuration.work(server, { clients, server });
      } finally {
        await finish(server, clients);
      }
    });

  /** What the first server is used for, beside telling on which ways anything is answered. */
  const relayMessages = async (server: RunningServer, clients: Clients, capture: Capture) => {
    const tried = { clients, server };
    const on = { server, tried };
    await attemptWith('relays', on, [], async () => {
      const { relays, sessions } = await relayAndCount(tried, subject.agentOn('relay'), EVERYTHING);
      Object.assign(facts, { relays, sessions });
    });
    facts.ttl = await capture.stop();
  };

  const configurations: Configuration[] = [
    {
      name: 'requests',
      lines: [...[ACCOUNT, OTHER_ACCOUNT].map(user), ...ODD_RANGES.lines],
      work: async (server, tried) => {
        const on = { server, tried };
        for (const [name, group] of entriesOf(REQUESTS))
          await attemptWith(name, on, UDP4, async () => void facts.answers.push(...(await group(tried))));
        await attemptWith('independent', on, [], async () => {
          const answering = (['udp', 'tcp', 'tls'] as const).filter(
            (transport) => tried.clients.silentWay([`${transport}/ipv4`]) === undefined,
          );
          facts.independent = await relayByIndependentClient(server, answering);
        });
        const ways: Way[] = ['udp/ipv4', 'udp/ipv6', 'tcp/ipv4', 'tcp/ipv6'];
        await attemptWith('forbidden', on, ways, async () => {
          const watch = (filter: string) => subject.watchLeaving('requests', filter);
          facts.forbidden = await tryForbiddenPeers(tried, watch, OWN_ADDRESSES);
        });
      },
    },
    {
      name: 'limits',
      lines: limitedConfiguration(),
      work: async (server, tried) => {
        for (const [name, group] of entriesOf(LIMITED))
          await attemptWith(name, { server, tried }, UDP4, async () => {
            facts.answers.push(...(await group(tried)));
          });
      },
    },
    {
      name: 'capacity',
      lines: [user(ACCOUNT), ...portLines(scale.ports)],
      work: async (server, tried) => {
        facts.capacity = await fillPool(tried, server, scale.ports);
      },
    },
    {
      name: 'even-port',
      lines: [user(ACCOUNT), ...portLines(EVEN_PORTS)],
      work: async (_, tried) => {
        facts.evenPort = await cycleEvenPorts(tried, scale.evenPortCycles);
      },
    },
    {
      name: 'hostile',
      lines: [user(ACCOUNT)],
      needs: UDP,
      work: async (server, tried) => {
        facts.hostile = await throwPackets(tried, server, SEED, scale.hostilePackets);
      },
    },
    ...(settings.sanitized
      ? [
          {
            name: 'sanitized' as const,
            lines: [user(ACCOUNT)],
            sanitized: true as const,
            needs: UDP,
            work: async (server: RunningServer, tried: Tried) => {
              facts.sanitized = await throwPackets(tried, server, SEED, scale.hostilePackets);
            },
          },
        ]
      : []),
    {
      name: 'metrics',
      lines: [user(ACCOUNT)],
      needs: [],
      work: async (server, tried) => {
        const on = { server, tried };
        await attemptWith('metrics.private', on, ['tcp/ipv4', 'tcp/ipv6'], async () => {
          facts.metricsReach = await reachMetrics(tried);
        });
        await attemptWith('metrics.scrapes', on, [], async () => {
          facts.scrapes = await scrapeOften(server, scale.scrapes);
        });
      },
    },
    {
      name: 'rest',
      lines: ['use-auth-secret', `static-auth-secret=${SECRET}`],
      // Sessions are tried over whatever answers.
      needs: [],
      work: async (server, tried) => {
        const on = { server, tried };
        await attemptWith('rest answers', on, UDP4, async () => {
          facts.answers.push(...(await tryRestSecret(tried, Date.now())));
        });
        await attemptWith('rest sessions', on, [], async () => {
          const plan: RelayPlan = { ...EVERYTHING, families: ['ipv4'], messages: 50 };
          const credentials = restCredentials(Date.now() + 3_600_000);
          const { relays, sessions } = await relayAndCount(tried, subject.agentOn('rest'), {
            ...plan,
            credentials,
          });
          facts.restSessions = { ...sessions, relays };
        });
      },
    },
  ];

  /** The unit under systemd; without clients, only what needs none. */
  const service = (clients: Clients | undefined) => async () => {
    const blocker: Blocker | undefined =
      clients === undefined ? { server: 'relay' } : blockedWay(clients, UDP);
    if (blocker !== undefined) Object.assign(facts.blocked, { metadata: blocker, drain: blocker });
    const results = await subject.runService({
      clients: blocker === undefined ? clients : undefined,
      metadata: isChosen('metadata'),
      drain: settings.drains && isChosen('drain'),
    });
    facts.service = results.service;
    Object.assign(facts.problems, results.problems);
  };

  try {
    for (const family of ['ipv4', 'ipv6'] as const) await peer.echo(ADDRESSES.peer[family], ECHO_PORT);
    let first: RunningServer | undefined;
    await attempt('relay', undefined, async () => {
      first = await subject.start({ name: 'relay', lines: [user(ACCOUNT)] });
    });
    if (first === undefined) {
      // The same program with all but the same configuration: it would not get ready elsewhere, either.
      const names = [
        'relays',
        'metrics.private',
        'metrics.scrapes',
        ...configurations.map(({ name }) => name),
      ];
      for (const name of names) facts.blocked[name] = { server: 'relay' };
      await attempt('service', undefined, service(undefined));
      return facts;
    }
    const relay = first;
    const capture = await subject.capture('relay', [ADDRESSES.client.ipv4, ADDRESSES.client.ipv6]);
    const clients = await createClients(relay, emulated, async () => (await capture.read()).minTtl);
    facts.reach = clients.reach();
    await Promise.all([
      attempt('relay', undefined, async () => {
        try {
          await relayMessages(relay, clients, capture);
        } finally {
          await finish(relay, clients);
        }
      }),
      ...configurations.map((configuration) => tryServer(configuration, clients)),
      attempt('service', undefined, service(clients)),
    ]);
    facts.unparsed = clients.unparsed().filter(({ server }) => !['hostile', 'sanitized'].includes(server));
    return facts;
  } finally {
    subject.end();
    process.off('uncaughtException', survive);
    process.off('unhandledRejection', survive);
  }
}

/** The entries of a record, with its keys' own type. */
function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(record) as [K, V][];
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

/** Relays, and scrapes the metrics before and after it. */
async function relayAndCount(
  tried: Tried,
  agent: RemoteAgent,
  plan: RelayPlan,
): Promise<{ relays: LabFacts['relays']; sessions: SessionFacts }> {
  const before = await settled(agent, 0);
  const relays = await relayAll(tried, plan);
  const sum = (list: LabFacts['relays']) => list.reduce((total, { sent }) => total + sent, 0);
  const messages = sum(relays);
  const sessions: SessionFacts = {
    sessions: relays.length,
    messages,
    channelMessages: sum(relays.filter(({ way }) => way === 'channel')),
    bytesPerMessage: MESSAGE_BYTES,
    before,
    after: await settled(agent, messages),
  };
  return { relays, sessions };
}

/** The metrics; nothing from a server that has none, which its relaying doesn't depend on. */
async function scrape(agent: RemoteAgent): Promise<string> {
  return agent.scrape(METRICS).catch(() => '');
}

/**
 * Traffic gets into the metrics when a session has ended: waits until so many messages are counted and no allocation is left, those of
 * earlier clients included. After 15 s the figures are what they are.
 */
async function settled(agent: RemoteAgent, messages: number): Promise<string> {
  const end = Date.now() + SETTLE_MS;
  for (;;) {
    const text = await scrape(agent);
    const sent = Number(/^turn_total_traffic_peer_sentp (\S+)$/m.exec(text)?.[1] ?? 0);
    const open = [...text.matchAll(/^turn_total_allocations(?:\{.*\})? (\S+)$/gm)];
    const ended = sent >= messages && open.every(([, count]) => Number(count) === 0);
    // Without metrics there is nothing to wait for.
    if (text === '' || ended || Date.now() > end) return text;
    await pause(250);
  }
}
