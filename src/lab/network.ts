import { execFileSync, spawn } from 'node:child_process';
import { begun, type Containment, within } from './containment.ts';
import { SERVERS, type ServerName } from './facts.ts';
import { NoNamespaces } from './no-namespaces.ts';

/** The machines. Each is a network namespace; the container's own namespace routes between them. */
export const MACHINES = ['client', 'peer', ...SERVERS] as const;
export type MachineName = (typeof MACHINES)[number];

/** A machine's addresses. `router4` and `router6` are the router's end of its link. */
export interface Addresses {
  ipv4: string;
  ipv6: string;
  router4: string;
  router6: string;
}

/**
 * Returns public addresses, because a safe configuration refuses private peers. The container has no other links, so no packet leaves
 * it.
 */
function addressesOf(number: number): Addresses {
  const [net4, net6] = [`20.0.${number}`, `2600:1:0:${number}:`];
  return { ipv4: `${net4}.2`, ipv6: `${net6}:2`, router4: `${net4}.1`, router6: `${net6}:1` };
}

export const ADDRESSES = Object.fromEntries(
  MACHINES.map((name, index) => [name, addressesOf(index + 1)]),
) as Readonly<Record<MachineName, Addresses>>;

/** Additional private addresses of each server, as on cloud machines. The relay must not reach them. */
export const OWN_ADDRESSES: readonly string[] = ['10.77.2.2', 'fd77::2'];

/** The process that holds each machine's namespace. */
export type Namespaces = Readonly<Record<MachineName, number>>;

/** The commands that connect the namespaces to the router. Pure. */
export function linkCommands(
  namespaces: Namespaces,
  machines: readonly MachineName[] = MACHINES,
): string[][] {
  const inside = (machine: MachineName, ...args: string[]) => [...enter(namespaces[machine]), 'ip', ...args];
  const own = SERVERS.filter((server) => machines.includes(server)).flatMap((server) =>
    OWN_ADDRESSES.map((address) => inside(server, 'address', 'add', address, 'dev', 'lo')),
  );
  const links = machines.flatMap((machine) => {
    const { ipv4, ipv6, router4, router6 } = ADDRESSES[machine];
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(namespaces[machine])];
    return [
      ['ip', 'link', 'add', machine, ...peer],
      ['ip', 'address', 'add', `${router4}/24`, 'dev', machine],
      // Without duplicate address detection, an address is usable immediately.
      ['ip', 'address', 'add', `${router6}/64`, 'dev', machine, 'nodad'],
      ['ip', 'link', 'set', machine, 'up'],
      inside(machine, 'address', 'add', `${ipv4}/24`, 'dev', 'eth0'),
      inside(machine, 'address', 'add', `${ipv6}/64`, 'dev', 'eth0', 'nodad'),
      inside(machine, 'link', 'set', 'lo', 'up'),
      inside(machine, 'link', 'set', 'eth0', 'up'),
      inside(machine, 'route', 'add', 'default', 'via', router4),
      inside(machine, '-6', 'route', 'add', 'default', 'via', router6),
    ];
  });
  return [...links, ...own];
}

/** Prefix of a command that runs it in a network namespace. */
export function enter(pid: number): string[] {
  return ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
}

/** The user and group nobody. */
export const NOBODY = 65_534;

/**
 * Prefix of a program that parses packets from the package's servers, which may exploit its bugs. The program runs as the user nobody, has no
 * capabilities and cannot gain any. Clearing the bounding set would need CAP_SETPCAP and is unnecessary: no-new-privs ignores setuid bits and
 * file capabilities.
 */
export const UNPRIVILEGED: readonly string[] = [
  ...[
    'setpriv',
    `--reuid=${NOBODY}`,
    `--regid=${NOBODY}`,
    '--clear-groups',
    '--inh-caps=-all',
    '--no-new-privs',
    '--',
  ],
];

/**
 * Creates and connects the namespaces. They exist as long as their holders, which end with the container. The package's user namespace owns
 * those of the servers, because the systemd in it must be able to put units into them.
 * @throws NoNamespaces
 */
export async function createNetwork(
  containment: Containment | undefined,
  machines: readonly MachineName[] = MACHINES,
): Promise<Namespaces> {
  const holders = await Promise.all(
    machines.map((machine) =>
      hold(machine, containment !== undefined && isServer(machine) ? within(containment) : []),
    ),
  );
  const namespaces = Object.fromEntries(holders) as Record<MachineName, number>;
  for (const [file = '', ...args] of linkCommands(namespaces, machines)) {
    try {
      execFileSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
      throw new NoNamespaces(
        `${[file, ...args].join(' ')}: ${String((error as { stderr?: Buffer }).stderr).trim()}`,
      );
    }
  }
  return namespaces;
}

const isServer = (machine: MachineName): boolean => SERVERS.includes(machine as ServerName);

/** Starts a process in a new network namespace and waits until it has entered it. */
async function hold(machine: MachineName, before: readonly string[]): Promise<[MachineName, number]> {
  const [file = '', ...args] = [...before, 'unshare', '--net', '--', 'sleep', 'infinity'];
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  return [machine, await begun(child, 'net')];
}
