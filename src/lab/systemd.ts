import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Containment } from './containment.ts';
import { CGROUPS, groupOf, ownControlGroup, removeGroup, requireGroup } from './control-groups.ts';
import { TARGET } from './installed.ts';
import { enter } from './network.ts';

/** Timeout in milliseconds until systemd accepts commands. */
const READY_MS = 30_000;
/** Longer than any unit's TimeoutStopSec, even under QEMU. */
const COMMAND_MS = 300_000;
/** Units of the contained systemd, hidden from others. */
const CONTAINED_UNITS = '/contained-units';
const UNITS = '/etc/systemd/system';
/** Folder for entering the package's user namespace without /proc. */
const USER_NAMESPACE = '/user-namespace';
/** Folders in which systemd creates folders for its units. */
const STATE = ['/run', '/var/lib', '/var/log', '/var/cache'];

interface Said {
  code: number;
  output: string;
}

interface Place {
  /** Distinguishes systemd instances. */
  name: string;
  /** Process that holds its network namespace. */
  network: number;
  /** Set if the units come from a package. */
  containment?: Containment;
}

/** systemd as the first process of its own PID, mount and control group namespaces, in a machine's network namespace. */
export interface Systemd {
  /** Runs systemctl. Returns its exit code and output. */
  control(...args: string[]): Promise<Said>;
  /** A unit's property, e.g. `ActiveState`. */
  property(unit: string, name: string): Promise<string>;
  /** Path of a running unit's control group, as seen outside systemd's namespaces. */
  controlGroup(unit: string): Promise<string>;
  /** A unit's journal. */
  journal(unit: string): Promise<string>;
  stop(): Promise<void>;
}

/** systemd does not start. The message has its output. */
export class NoSystemd extends Error {}

/**
 * Starts systemd. It sees the container's files and the units written before.
 * @throws NoSystemd
 */
export async function startSystemd({ name, network, containment }: Place): Promise<Systemd> {
  const group = groupOf(name);
  ownControlGroup(group, containment);
  const script = [
    'mount -t proc proc /proc',
    ...STATE.map((folder) => `mount -t tmpfs -o mode=755 tmpfs ${folder}`),
    ...passOnEmulation(),
    ...(containment === undefined ? [] : [`mount --bind ${CONTAINED_UNITS} ${UNITS}`]),
    // The kernel does not mount cgroup2 over cgroup2, and a contained systemd cannot unmount that; a tmpfs between them helps.
    `mount -t tmpfs tmpfs ${CGROUPS}`,
    `mount -t cgroup2 none ${CGROUPS}`,
    'exec /lib/systemd/systemd --log-target=console --log-level=notice --unit=basic.target',
  ].join(' && ');
  const unshare = ['unshare', '--pid', '--fork', '--kill-child', '--mount', '--cgroup', '--'];
  const inGroup = ['sh', '-c', `echo $$ >${group}/cgroup.procs && exec "$@"`, 'sh'];
  const users = containment === undefined ? [] : withoutProcesses(containment);
  const [file = '', ...args] = [...enter(network), ...inGroup, ...users, ...unshare, 'sh', '-c', script];
  // Without the variable `container`, systemd would set up the machine's devices.
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, container: 'docker' },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const end = Date.now() + READY_MS;
  for (;;) {
    const pid = firstChild(child);
    const inside = pid === undefined ? undefined : commandsIn(pid, containment);
    if (inside !== undefined && (await isReady(inside))) return createSystemd(child, inside, group);
    if (child.exitCode !== null || Date.now() > end) {
      child.kill('SIGKILL');
      throw new NoSystemd(said.trim().split('\n').slice(-5).join(' | ') || 'no output');
    }
    await pause(200);
  }
}

/**
 * Prefix of a command that runs it as the namespace's root in a mount namespace where no /proc shows the container's processes. Some of
 * them belong to the same root, which could take them over. Mounting over /proc is not enough: root could unmount that.
 */
function withoutProcesses({ holder }: Containment): string[] {
  mkdirSync(USER_NAMESPACE, { recursive: true });
  const file = `${USER_NAMESPACE}/user`;
  const script = [
    `mount -t tmpfs tmpfs ${USER_NAMESPACE}`,
    `touch ${file}`,
    `mount --bind /proc/${holder}/ns/user ${file}`,
    `umount --recursive ${TARGET}/proc`,
    'umount --recursive --lazy /proc',
    `exec nsenter --user=${file} -- "$@"`,
  ].join(' && ');
  return ['unshare', '--mount', '--', 'sh', '-c', script, 'sh'];
}

/**
 * Shell commands that pass QEMU_CPU to services, if set: systemd does not pass on its own environment (systemd-system.conf(5)).
 */
function passOnEmulation(): string[] {
  if (process.env.QEMU_CPU === undefined) return [];
  const folder = '/run/systemd/system.conf.d';
  return [
    `mkdir -p ${folder}`,
    `printf '[Manager]\\nDefaultEnvironment="QEMU_CPU=%s"\\n' "$QEMU_CPU" >${folder}/emulation.conf`,
  ];
}

/** The only child of unshare: the first process of the new PID namespace. */
function firstChild({ pid }: ChildProcess): number | undefined {
  const file = `/proc/${pid}/task/${pid}/children`;
  const word = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ')[0] : '';
  return word === undefined || word === '' ? undefined : Number(word);
}

/** Runs a command among systemd's processes. */
type Inside = (...words: string[]) => Promise<Said>;

/** Runs commands asynchronously, because clients must continue while a unit starts or stops. Abandons a hanging command and its children. */
function commandsIn(pid: number, containment: Containment | undefined): Inside {
  const users = containment === undefined ? [] : ['--user'];
  return (...words) =>
    new Promise((resolve) => {
      const args = [`--target=${pid}`, ...users, '--pid', '--mount', '--', ...words];
      const child = execFile('nsenter', args, { encoding: 'utf8' }, (error, stdout, stderr) => {
        clearTimeout(timer);
        const code = typeof error?.code === 'number' ? error.code : 1;
        resolve({ code: error === null ? 0 : code, output: `${stdout}${stderr}`.trim() });
      });
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        for (const stream of [child.stdout, child.stderr]) stream?.destroy();
        resolve({ code: 1, output: `${words.join(' ')} did not finish within ${COMMAND_MS / 1000} s` });
      }, COMMAND_MS);
    });
}

async function isReady(inside: Inside): Promise<boolean> {
  // `degraded` is ready, too: some units fail in a container.
  return /^(running|degraded|starting)$/m.test((await inside('systemctl', 'is-system-running')).output);
}

function createSystemd(child: ChildProcess, inside: Inside, group: string): Systemd {
  const property = async (unit: string, name: string) =>
    (await inside('systemctl', 'show', unit, `--property=${name}`, '--value')).output.trim();
  return {
    control: (...args) => inside('systemctl', '--no-pager', ...args),
    property,
    controlGroup: async (unit) => `${group}${requireGroup(await property(unit, 'ControlGroup'))}`,
    journal: async (unit) =>
      (await inside('journalctl', '--no-pager', '--output=cat', `--unit=${unit}`)).output,
    async stop() {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGKILL');
      await ended;
      await removeGroup(group);
    },
  };
}

/** Writes a unit. @param name e.g. `coturn.service` */
export function writeUnit(name: string, text: string): void {
  writeFileSync(`${UNITS}/${name}`, text);
}

/** Writes a package's unit or a drop-in for the contained systemd. @param name e.g. `coturn.service.d/laboratory.conf` */
export function writeContainedUnit(name: string, text: string): void {
  const path = `${CONTAINED_UNITS}/${name}`;
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  writeFileSync(path, text);
}
