import { ODD_RANGES } from '../turn/forbidden-peers.ts';
import type { LabFacts, LabSettings, Scenario, TriedServer } from './facts.ts';
import { OWN_ADDRESSES } from './network.ts';
import { SEED } from './nothing.ts';
import type { Way } from './reach.ts';
import { fillPool } from './scenarios/capacity.ts';
import { relayAndCount } from './scenarios/counted-relay.ts';
import { cycleEvenPorts, EVEN_PORTS } from './scenarios/even-port.ts';
import { tryForbiddenPeers } from './scenarios/forbidden.ts';
import { throwPackets } from './scenarios/hostile.ts';
import { relayByIndependentClient } from './scenarios/independent.ts';
import { LIMITED, LIMITS, THIRD_ACCOUNT } from './scenarios/limits.ts';
import { reachMetrics, scrapeOften } from './scenarios/metrics.ts';
import { EVERYTHING, type RelayPlan } from './scenarios/relay.ts';
import { REQUESTS } from './scenarios/requests.ts';
import { restCredentials, SECRET, tryRestSecret } from './scenarios/rest-secret.ts';
import { ACCOUNT, OTHER_ACCOUNT, type Tried } from './scenarios/session.ts';
import { portLines } from './server-configuration.ts';
import type { RunningServer, Subject } from './subject.ts';

/** The default `needs` of a configuration. */
export const UDP4: readonly Way[] = ['udp/ipv4'];
/** UDP over both address families. */
export const UDP: readonly Way[] = ['udp/ipv4', 'udp/ipv6'];

export const user = ({ username, password }: typeof ACCOUNT) => `user=${username}:${password}`;

/** A server's configuration and its scenarios. */
export interface Configuration {
  name: TriedServer;
  lines: string[];
  /** Runs the turnserver built with AddressSanitizer. */
  sanitized?: true;
  /** If the server does not answer all of these, its scenarios are not run. Default: UDP over IPv4. */
  needs?: readonly Way[];
  work: (server: RunningServer, tried: Tried) => Promise<void>;
}

/** Runs a scenario, unless the server has exited or does not answer on these ways. */
export type AttemptWith = (
  name: Scenario,
  on: { server: RunningServer; tried: Tried },
  ways: readonly Way[],
  work: () => Promise<void>,
) => Promise<void>;

/** All servers except the first one. Their scenarios write their results into `facts`. */
export function configurationsOf({
  subject,
  settings,
  facts,
  attemptWith,
}: {
  subject: Subject;
  settings: LabSettings;
  facts: LabFacts;
  attemptWith: AttemptWith;
}): Configuration[] {
  const { scale } = settings;
  return [
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
      // The sessions use only ways on which the server answers.
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
}

/** `Object.entries` that keeps the type of the keys. */
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
