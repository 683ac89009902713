import type { Command } from './command.ts';

/**
 * The laboratory: a container with its own network namespaces, in which an installed package is tested over a network. Build
 * containers can't create namespaces, so this one runs on a Docker engine.
 */
export interface LabContainer {
  /** Name of the container and of its image, which is removed afterwards. */
  name: string;
  /** Docker context of the engine; the current one if undefined. */
  engine?: string | undefined;
}

/** Label of a laboratory's container and of its image with the process that made them, to detect leftovers of killed processes. */
export const LAB_LABEL = 'turnbuild.lab';

/** Labels of a laboratory's image. A process may be killed before the image has a container. */
export function labLabels(owner: string): Record<string, string> {
  return { [LAB_LABEL]: owner };
}

/** Paths in the container. */
export const LAB_PATHS = { program: '/lab.mjs', inputs: '/inputs', results: '/out' } as const;

function docker(engine: string | undefined, effect: Command['effect'], ...args: string[]): Command {
  return { file: 'docker', args: [...(engine === undefined ? [] : ['--context', engine]), ...args], effect };
}

/**
 * Capabilities of the laboratory's own program. The package's code has none of them outside its own user namespace
 * (src/lab/containment.ts).
 */
const CAPABILITIES = [
  'NET_ADMIN', // Links between network namespaces.
  'SYS_ADMIN', // Namespaces, mounts, and the BPF programs of systemd.
  'SYS_CHROOT', // Entering a mount namespace. Without it, Docker's seccomp profile forbids chroot(2) inside a user namespace, too.
  ...['SETUID', 'SETGID', 'CHOWN', 'DAC_OVERRIDE'], // User maps, and files for those users.
  ...['SYS_PTRACE', 'KILL', 'NET_RAW', 'NET_BIND_SERVICE'], // Watching, ending and capturing processes in other namespaces.
];
/** Settings of the router, which is the container's initial network namespace. */
const SYSCTLS = [
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.disable_ipv6=0',
  'net.ipv6.conf.all.forwarding=1',
];
/** Limit for processes and threads; a dozen servers have a few hundred. */
const PIDS = 4096;
/**
 * Memory limit, so that a package can't exhaust the engine's memory. A laboratory used at most 1.04 GiB (`docker stats`). Full scale, with
 * 16,383 allocations and their clients, was not measured. Swap has no limit, because not every engine counts it.
 */
const MEMORY = '8g';

/**
 * Creates a container, which has no access to other networks. Its initial network namespace is the router, whose sysctls can only be set
 * here.
 * @param more further options
 */
function createCommand(
  { name, engine }: LabContainer,
  owner: string,
  memory: string,
  more: readonly string[],
): Command {
  return docker(
    engine,
    'write',
    'create',
    `--name=${name}`,
    `--label=${LAB_LABEL}=${owner}`,
    '--network=none',
    '--cap-drop=ALL',
    ...CAPABILITIES.map((capability) => `--cap-add=${capability}`),
    `--pids-limit=${PIDS}`,
    `--memory=${memory}`,
    // AppArmor's profile for containers forbids mounts, but the server needs a /proc in its root.
    '--security-opt=apparmor=unconfined',
    ...more,
    ...SYSCTLS.map((sysctl) => `--sysctl=${sysctl}`),
    name,
    'node',
    LAB_PATHS.program,
  );
}

/** Creates the laboratory. @param env environment of the programs in it */
export function createLabCommand(
  container: LabContainer,
  owner: string,
  env: Readonly<Record<string, string>>,
): Command {
  const variables = Object.entries(env).map(([variable, value]) => `--env=${variable}=${value}`);
  return createCommand(container, owner, MEMORY, variables);
}

/** Memory of two booted machines, of their emulators, and of the programs around them. */
const BOOT_MEMORY = '6g';

/** Creates the container in which an image is booted. It may create /dev/kvm (10:232), which only some engines have. */
export function createBootCommand(container: LabContainer, owner: string): Command {
  return createCommand(container, owner, BOOT_MEMORY, [
    '--device=/dev/net/tun',
    '--device-cgroup-rule=c 10:232 rwm',
    '--cap-add=MKNOD',
  ]);
}

/** Copies a file or folder into the container. */
export function copyToLabCommand({ name, engine }: LabContainer, from: string, to: string): Command {
  return docker(engine, 'write', 'cp', '--quiet', from, `${name}:${to}`);
}

/** Copies a file or folder from the container. */
export function copyFromLabCommand({ name, engine }: LabContainer, from: string, to: string): Command {
  return docker(engine, 'write', 'cp', '--quiet', `${name}:${from}`, to);
}

/** Runs the container and prints its output. */
export function startLabCommand({ name, engine }: LabContainer): Command {
  return docker(engine, 'write', 'start', '--attach', name);
}

/** Removes a container, running or not, and its image. Fails harmlessly if either is missing. */
export function removeLabCommands({ name, engine }: LabContainer): Command[] {
  return [
    docker(engine, 'write', 'rm', '--force', '--volumes', name),
    docker(engine, 'write', 'image', 'rm', '--force', name),
  ];
}

/** Lists all containers of laboratories, as lines `NAME OWNER`. */
export function listLabsCommand(engine: string | undefined): Command {
  const format = `{{.Names}} {{.Label "${LAB_LABEL}"}}`;
  return docker(engine, 'read', 'ps', '--all', '--filter', `label=${LAB_LABEL}`, '--format', format);
}

/** Lists the names of all images of laboratories, one per line. */
export function listLabImagesCommand(engine: string | undefined): Command {
  return docker(
    engine,
    'read',
    'image',
    'ls',
    '--filter',
    `label=${LAB_LABEL}`,
    '--format',
    '{{.Repository}}',
  );
}

/** Prints `NAME OWNER` of an image of a laboratory. */
export function labImageOwnerCommand(engine: string | undefined, name: string): Command {
  const format = `${name} {{index .Config.Labels "${LAB_LABEL}"}}`;
  return docker(engine, 'read', 'image', 'inspect', '--format', format, name);
}
