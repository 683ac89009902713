import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { LabSettings, ServiceFacts, Site } from '../facts.ts';
import type { Namespaces } from '../network.ts';
import type { RemoteAgent } from '../remote.ts';
import { METRICS, shippedConfiguration, TARGET } from '../server.ts';
import { type Systemd, startSystemd, writeUnit } from '../systemd.ts';
import { DRAIN_SECONDS, stopUnderSessions } from './drain.ts';
import { reachMetadata } from './metadata.ts';
import { ACCOUNT } from './session.ts';

const UNIT = 'coturn.service';
/** Where a package may have its unit. */
const UNIT_FOLDERS = ['/usr/lib/systemd/system', '/lib/systemd/system'];
/** Milliseconds until a unit has started or come back; under emulation turnserver takes several seconds. */
const START_MS = 60_000;

/**
 * Runs the package's own unit under systemd: as shipped, through a crash, and without any denied peer. Only what must be
 * is changed: turnserver is beneath /target, and QEMU needs what a sandbox takes from it.
 */
export async function runService(
  namespaces: Namespaces,
  agent: RemoteAgent,
  { emulated, drains, site }: Pick<LabSettings, 'emulated' | 'drains' | 'site'>,
): Promise<ServiceFacts> {
  const unit = UNIT_FOLDERS.map((folder) => `${TARGET}${folder}/${UNIT}`).find((path) => existsSync(path));
  if (unit === undefined) throw new Error(`the package has no ${UNIT}`);
  writeUnit(UNIT, readFileSync(unit, 'utf8'));
  writeUnit(`${UNIT}.d/laboratory.conf`, dropIn(emulated, site));
  adoptAccounts(site);
  const systemd = await startSystemd(namespaces.server);
  const shipped = shippedConfiguration(site);
  const configuration = `${TARGET}${site.configuration}`;
  try {
    const started = await start(systemd, agent, shipped);
    const restarted = await crash(systemd);
    const stopped = systemd.control('stop', UNIT);
    const result = systemd.property(UNIT, 'Result');
    if (drains) writeFileSync(configuration, withAccount(shipped));
    const drain = drains ? await stopUnderSessions(systemd, UNIT) : undefined;
    writeFileSync(configuration, withoutDenials(shipped));
    await start(systemd, agent, shipped);
    // UDP listeners and authentication threads come right after.
    await pause(1000);
    const reached = await reachMetadata(namespaces, systemd.controlGroup(UNIT));
    return {
      emulated,
      ...started,
      restarted,
      stopped: stopped.code === 0 ? result : stopped.output,
      ...(drain === undefined ? {} : { drain }),
      reached,
    };
  } finally {
    writeFileSync(configuration, shipped);
    await systemd.stop();
  }
}

function dropIn(emulated: boolean, { stateDir }: Site): string {
  const lines = ['[Service]', `RootDirectory=${TARGET}`, 'MountAPIVFS=yes', `ReadWritePaths=-+${stateDir}`];
  lines.push(`Environment=DRAIN_SECONDS=${DRAIN_SECONDS}`);
  // QEMU writes the code that it runs, and asks the kernel for more than turnserver does.
  if (emulated) lines.push('MemoryDenyWriteExecute=no', 'SystemCallFilter=');
  return `${lines.join('\n')}\n`;
}

/** systemd looks up users in its own root: the target's accounts of turnserver have to be there as well. */
function adoptAccounts({ user }: Site): void {
  const line = new RegExp(`^${user}:.*$`, 'm');
  for (const file of ['/etc/passwd', '/etc/group']) {
    const account = line.exec(readFileSync(`${TARGET}${file}`, 'utf8'))?.[0];
    if (account !== undefined && !line.test(readFileSync(file, 'utf8'))) appendFileSync(file, `${account}\n`);
  }
}

async function start(
  systemd: Systemd,
  agent: RemoteAgent,
  shipped: string,
): Promise<Pick<ServiceFacts, 'state' | 'metrics' | 'log'>> {
  systemd.control('start', UNIT);
  const state = systemd.property(UNIT, 'ActiveState');
  const log = lastLines(systemd);
  if (!/^prometheus$/m.test(shipped)) return { state, log };
  const metrics = await agent.scrape(METRICS).then(
    () => true,
    () => false,
  );
  return { state, metrics, log };
}

/** Ends turnserver by SIGKILL. Returns the unit's state when another turnserver has taken its place, or what it was at last. */
async function crash(systemd: Systemd): Promise<string> {
  const before = systemd.property(UNIT, 'MainPID');
  systemd.control('kill', '--signal=SIGKILL', UNIT);
  const end = Date.now() + START_MS;
  for (;;) {
    const state = systemd.property(UNIT, 'ActiveState');
    const now = systemd.property(UNIT, 'MainPID');
    if ((state === 'active' && now !== before) || Date.now() > end)
      return now === before ? 'never ended' : state;
    await pause(250);
  }
}

function withAccount(configuration: string): string {
  return `${configuration}\nuser=${ACCOUNT.username}:${ACCOUNT.password}\n`;
}

/** The shipped configuration with an account, and with no peer denied. */
function withoutDenials(shipped: string): string {
  const kept = shipped.split('\n').filter((line) => !/^(denied-peer-ip=|no-multicast-peers)/.test(line));
  return withAccount(kept.join('\n'));
}

function lastLines(systemd: Systemd): string {
  return systemd
    .journal(UNIT)
    .split('\n')
    .filter((line) => !line.includes('Black listing') && line.trim() !== '')
    .slice(-15)
    .join('\n');
}
