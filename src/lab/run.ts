import type { Capture } from './capture.ts';
import { type AttemptWith, type Configuration, configurationsOf, UDP, UDP4, user } from './configurations.ts';
import type { Blocker, LabFacts, LabSettings, Scenario } from './facts.ts';
import { ADDRESSES } from './network.ts';
import { nothing } from './nothing.ts';
import { type Clients, createClients, Unreachable, type Way } from './reach.ts';
import type { RemoteAgent } from './remote.ts';
import { relayAndCount } from './scenarios/counted-relay.ts';
import { EVERYTHING } from './scenarios/relay.ts';
import { ACCOUNT, ECHO_PORT } from './scenarios/session.ts';
import type { RunningServer, Subject } from './subject.ts';

/**
 * Runs all chosen scenarios. First probes every transport of the first server, then runs all servers in parallel, each on its own machine.
 * If a scenario fails, or its server does not become ready or exits, records a problem and continues with the others. Scenarios whose
 * prerequisite failed are not run; they are recorded as blocked by it.
 */
export async function runScenarios(
  subject: Subject,
  peer: RemoteAgent,
  settings: LabSettings,
): Promise<LabFacts> {
  const { emulated, scenarios } = settings;
  const isChosen = (name: Scenario) => scenarios.includes(name);
  const facts = nothing();
  const isSilent = (way: Way) =>
    facts.reach.some(({ transport, family, remote }) => !remote && way === `${transport}/${family}`);
  // Last resort: the other scenarios continue, and the check that all scenarios completed fails.
  const survive = (error: unknown) => {
    facts.problems.laboratory = error instanceof Error ? (error.stack ?? error.message) : String(error);
  };
  process.on('uncaughtException', survive);
  process.on('unhandledRejection', survive);

  /** Runs a chosen scenario. The first server always runs, because it shows which ways work. */
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
      // The way never worked, or the server stopped answering on it: the scenario is blocked, not failed.
      // For the unit, a server that stops answering is a failure of the unit itself.
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
  /** Runs a scenario with a server, which may have exited meanwhile. */
  const attemptWith: AttemptWith = (name, { server, tried: { clients } }, ways, work) => {
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

  /** The first server's scenarios, after probing. */
  const relayMessages = async (server: RunningServer, clients: Clients, capture: Capture) => {
    const tried = { clients, server };
    const on = { server, tried };
    await attemptWith('relays', on, [], async () => {
      const { relays, sessions } = await relayAndCount(tried, subject.agentOn('relay'), EVERYTHING);
      Object.assign(facts, { relays, sessions });
    });
    facts.ttl = await capture.stop();
  };

  const configurations = configurationsOf({ subject, settings, facts, attemptWith });

  /** Tests the unit under systemd; without clients, only what needs none. */
  const service = (clients: Clients | undefined) => async () => {
    const blocker: Blocker | undefined =
      clients === undefined ? { server: 'relay' } : blockedWay(clients, UDP);
    if (blocker !== undefined)
      Object.assign(facts.blocked, { metadata: blocker, drain: blocker, reload: blocker });
    const results = await subject.runService({
      clients: blocker === undefined ? clients : undefined,
      metadata: isChosen('metadata'),
      drain: settings.drains && isChosen('drain'),
      reload: settings.reloads && isChosen('reload'),
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
      // The other servers run the same program with almost the same configuration, so they would fail as well.
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
