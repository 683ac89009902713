import { setTimeout as pause } from 'node:timers/promises';
import type { Containment } from '../containment.ts';
import type { DrainFacts, LabSettings, ReloadFacts, ServerName, ServiceFacts } from '../facts.ts';
import type { InstalledFiles } from '../installed.ts';
import { ADDRESSES, type Namespaces } from '../network.ts';
import type { Clients } from '../reach.ts';
import type { RemoteAgent } from '../remote.ts';
import { processesOf } from '../seen.ts';
import { METRICS, SMALL_RANGE, shippedConfiguration } from '../server-configuration.ts';
import { type Systemd, startSystemd, writeContainedUnit } from '../systemd.ts';
import { DRAIN_SECONDS, stopUnderSession, stopUnderVanished } from './drain.ts';
import { tryMetadata } from './metadata-rules.ts';
import { certificateLines, reloadUnderSession } from './reload.ts';
import { ACCOUNT, type Tried } from './session.ts';
import {
  adoptAccounts,
  configure,
  makeUnitFolder,
  ownConfiguration,
  ownNetwork,
  type Unit,
  writeDropIn,
} from './unit-files.ts';

/** Possible paths of the package's unit. */
export const UNITS = ['/usr/lib/systemd/system', '/lib/systemd/system'].map(
  (folder) => `${folder}/coturn.service`,
);
/** Timeout in milliseconds for a start or restart. From 4.8 on, turnserver first shuffles its ports, which takes a minute under QEMU. */
const START_MS = { native: 60_000, emulated: 300_000 };

/** Everything needed to test the service. */
export interface ServiceLab {
  namespaces: Namespaces;
  containment: Containment;
  installed: InstalledFiles;
  /** Paths of the files that define the unit, listed before any code of the package has run. */
  fragments: string[];
  agentOn: (machine: ServerName) => RemoteAgent;
  /** Undefined if the server does not answer over UDP. Sessions and peers are then not tested. */
  clients: Clients | undefined;
  settings: Pick<LabSettings, 'emulated' | 'options' | 'site'>;
  /** Tests in addition to start, crash and stop. Tests of unsupported features are off. */
  chosen: { metadata: boolean; drain: boolean; reload: boolean };
}

export const SERVICE: Unit = { name: 'coturn.service', machine: 'service' };
const DRAINING: Unit = { name: 'coturn-drain.service', machine: 'drain' };
const VANISHED: Unit = { name: 'coturn-vanished.service', machine: 'vanished' };

/**
 * Runs the package's unit under systemd: as shipped, through a crash, with no peers denied, and stopped during sessions. A drop-in
 * changes only what is necessary, because turnserver is in /target and QEMU does not work in a strict sandbox. If turnserver can drain,
 * two copies of the unit are stopped with open sessions, each on its own machine.
 */
export async function runService(
  lab: ServiceLab,
): Promise<{ service: ServiceFacts; problems: Record<string, string> }> {
  const { namespaces, installed, fragments, settings } = lab;
  const { site, emulated } = settings;
  const clients = lab.chosen.drain ? lab.clients : undefined;
  const unit = UNITS.find((path) => installed.has(path));
  if (unit === undefined) throw new Error(`the package has no ${SERVICE.name}`);
  const text = installed.read(unit);
  makeUnitFolder();
  adoptAccounts(lab);
  writeContainedUnit(SERVICE.name, text);
  writeDropIn(SERVICE, settings, []);
  const shipped = shippedConfiguration({ installed, site });
  const small = `${shipped}\n${[...SMALL_RANGE, `user=${ACCOUNT.username}:${ACCOUNT.password}`].join('\n')}\n`;
  if (clients !== undefined)
    for (const copy of [DRAINING, VANISHED]) {
      writeContainedUnit(copy.name, text);
      writeDropIn(copy, settings, [ownConfiguration(copy, site), ownNetwork(copy, namespaces)]);
      configure(copy, small);
    }
  const systemd = await startSystemd({
    name: 'service',
    network: namespaces.service,
    containment: lab.containment,
  });
  try {
    const problems: Record<string, string> = {};
    const drain = async (of: Clients): Promise<DrainFacts | undefined> => {
      const both = Promise.all([
        withUnit(lab, systemd, DRAINING, (unit) => stopUnderSession(triedBy(of, unit), systemd, unit.name)),
        withUnit(lab, systemd, VANISHED, (unit) => stopUnderVanished(triedBy(of, unit), systemd, unit.name)),
      ]);
      return both.then(([session, vanished]) => ({ deadline: DRAIN_SECONDS, session, vanished }));
    };
    const noted = (name: string) => (error: unknown) => {
      problems[name] = error instanceof Error ? error.message : String(error);
      return undefined;
    };
    const [own, reached, drained] = await Promise.all([
      runUnit(lab, systemd, { shipped, small, noted }),
      lab.chosen.metadata ? tryMetadata(lab, SERVICE.name, systemd).catch(noted('metadata')) : [],
      clients === undefined ? undefined : drain(clients).catch(noted('drain')),
    ]);
    const service = {
      ...{ emulated, fragments, ...own, reached: reached ?? [] },
      ...(drained === undefined ? {} : { drain: drained }),
    };
    return { service, problems };
  } finally {
    await systemd.stop();
  }
}

/** Runs the unit as installed, then with another configuration. */
async function runUnit(
  lab: ServiceLab,
  systemd: Systemd,
  {
    shipped,
    small,
    noted,
  }: { shipped: string; small: string; noted: (name: string) => (error: unknown) => undefined },
): Promise<Omit<ServiceFacts, 'emulated' | 'fragments' | 'drain' | 'reached'>> {
  const { name } = SERVICE;
  const agent = lab.agentOn('service');
  await systemd.control('start', name);
  const serving = await serves(lab, systemd, SERVICE);
  const state = await systemd.property(name, 'ActiveState');
  const seen =
    state === 'active'
      ? {
          seen: {
            processes: processesOf(await systemd.controlGroup(name), lab.containment.root),
            listening: await agent.listening(),
          },
        }
      : {};
  const metrics = /^prometheus$/m.test(shipped) ? { metrics: await canScrape(agent) } : {};
  const log = await lastLines(systemd, name);
  const stopped = await systemd.control('stop', name);
  const result = await systemd.property(name, 'Result');
  const facts = {
    state,
    serving,
    ...seen,
    ...metrics,
    log,
    stopped: stopped.code === 0 ? result : stopped.output,
  };
  if (state !== 'active') return { ...facts, restarted: 'not tried' };

  writeDropIn(SERVICE, lab.settings, [ownConfiguration(SERVICE, lab.settings.site)]);
  const clients = lab.chosen.reload ? lab.clients : undefined;
  configure(SERVICE, clients === undefined ? small : `${small}${certificateLines().join('\n')}\n`);
  await systemd.control('daemon-reload');
  await systemd.control('start', name);
  const reload =
    clients === undefined ? undefined : await reloadOf(lab, systemd, clients).catch(noted('reload'));
  const killed = Date.now();
  const crashed = await crash(lab, systemd);
  const back = (await serves(lab, systemd, SERVICE))
    ? { restarted: crashed, downSeconds: (Date.now() - killed) / 1000 }
    : { restarted: `${crashed} but does not answer clients` };
  return { ...facts, ...back, ...(reload === undefined ? {} : { reload }) };
}

async function reloadOf(lab: ServiceLab, systemd: Systemd, clients: Clients): Promise<ReloadFacts> {
  const { name, machine } = SERVICE;
  if (!(await serves(lab, systemd, SERVICE)))
    throw new Error(`${name} does not answer clients: ${await lastLines(systemd, name)}`);
  return reloadUnderSession(triedBy(clients, SERVICE), { systemd, unit: name, agent: lab.agentOn(machine) });
}

/** Starts a unit, waits until it serves, and calls `work`. */
async function withUnit<T>(
  lab: ServiceLab,
  systemd: Systemd,
  unit: Unit,
  work: (unit: Unit) => Promise<T>,
): Promise<T> {
  await systemd.control('start', unit.name);
  if (!(await serves(lab, systemd, unit)))
    throw new Error(`${unit.name} does not answer clients: ${await lastLines(systemd, unit.name)}`);
  return work(unit);
}

/** systemd detects when the unit exits, so `end` never settles. */
function triedBy(clients: Clients, { machine }: Unit): Tried {
  return { clients, server: { name: machine, addresses: ADDRESSES[machine], end: new Promise(() => {}) } };
}

/** Waits until a unit answers clients. Returns whether it does. */
async function serves(lab: ServiceLab, systemd: Systemd, { name, machine }: Unit): Promise<boolean> {
  const end = Date.now() + START_MS[lab.settings.emulated ? 'emulated' : 'native'];
  const agent = lab.agentOn(machine);
  while (Date.now() < end) {
    if (await agent.asksForCredentials(ADDRESSES[machine].ipv4, 3478)) return true;
    if ((await systemd.property(name, 'ActiveState')) === 'failed') return false;
    await pause(200);
  }
  return false;
}

function canScrape(agent: RemoteAgent): Promise<boolean> {
  return agent.scrape(METRICS).then(
    () => true,
    () => false,
  );
}

/** Kills turnserver with SIGKILL. Returns the unit's state once a new turnserver runs, or its last state at the timeout. */
async function crash(lab: ServiceLab, systemd: Systemd): Promise<string> {
  const { name } = SERVICE;
  const before = await systemd.property(name, 'MainPID');
  await systemd.control('kill', '--signal=SIGKILL', name);
  const end = Date.now() + START_MS[lab.settings.emulated ? 'emulated' : 'native'];
  for (;;) {
    const now = await systemd.property(name, 'MainPID');
    const state = await systemd.property(name, 'ActiveState');
    if ((state === 'active' && !['0', '', before].includes(now)) || Date.now() > end)
      return now === before ? 'never ended' : state;
    await pause(250);
  }
}

async function lastLines(systemd: Systemd, unit: string): Promise<string> {
  return (await systemd.journal(unit))
    .split('\n')
    .filter((line) => !line.includes('Black listing') && line.trim() !== '')
    .slice(-15)
    .join('\n');
}
