import type { Command } from './command.ts';

/**
 * The laboratory: a container with network namespaces of its own, in which an installed package is used over a network. A
 * build's container can't make namespaces, so this one runs on a Docker engine.
 */
export interface LabContainer {
  /** Name of the image, which is removed afterwards, and of the container. */
  name: string;
  /** Docker context of the engine; the current one without it. */
  engine?: string | undefined;
}

/** Label of the containers: who has started one, so that what a killed process has left can be told from what is in use. */
export const LAB_LABEL = 'turnbuild.lab';
/** Where the program and its results lie in the container. */
export const LAB_PATHS = { program: '/lab.mjs', inputs: '/inputs', results: '/out' } as const;

function docker(engine: string | undefined, effect: Command['effect'], ...args: string[]): Command {
  return { file: 'docker', args: [...(engine === undefined ? [] : ['--context', engine]), ...args], effect };
}

/**
 * What the laboratory's own program needs. No code of the package gets any of these, but for those of its own user namespace
 * (src/lab/containment.ts).
 */
const CAPABILITIES = [
  'NET_ADMIN', // Links between network namespaces.
  'SYS_ADMIN', // Namespaces, mounts, and the BPF programs of systemd.
  'SYS_CHROOT', // Entering a mount namespace. Without it, Docker's seccomp profile forbids chroot(2) inside a user namespace, too.
  ...['SETUID', 'SETGID', 'CHOWN', 'DAC_OVERRIDE'], // User maps, and files for those users.
  ...['SYS_PTRACE', 'KILL', 'NET_RAW', 'NET_BIND_SERVICE'], // Watching, ending and capturing what runs in a namespace that is not its own.
];
/** Limit of processes and threads; a dozen servers have a few hundred. */
const PIDS = 4096;
/**
 * Limit of memory, so that a package's programs can't take all of the engine's. A whole laboratory has used 1.04 GiB at most (`docker stats`). At
 * full scale, with 16,383 allocations and their clients, it was not measured. Swap has no limit: not every engine counts it.
 */
const MEMORY = '8g';

/**
 * Makes the container. It has no network but its own. Its first network namespace is the router, whose settings can only be given
 * here.
 * @param env environment of the programs in it
 */
export function createLabCommand(
  { name, engine }: LabContainer,
  owner: string,
  env: Readonly<Record<string, string>>,
): Command {
  const sysctls = [
    'net.ipv4.ip_forward=1',
    'net.ipv6.conf.all.disable_ipv6=0',
    'net.ipv6.conf.all.forwarding=1',
  ];
  return docker(
    engine,
    'write',
    'create',
    `--name=${name}`,
    `--label=${LAB_LABEL}=${owner}`,
    '--network=none',
    '--cap-drop=ALL',
    ...CAPABILITIES.map((name) => `--cap-add=${name}`),
    `--pids-limit=${PIDS}`,
    `--memory=${MEMORY}`,
    // Where AppArmor is, its profile for containers forbids every mount; the server needs a /proc beneath its root.
    '--security-opt=apparmor=unconfined',
    ...Object.entries(env).map(([variable, value]) => `--env=${variable}=${value}`),
    ...sysctls.map((sysctl) => `--sysctl=${sysctl}`),
    name,
    'node',
    LAB_PATHS.program,
  );
}

/** Puts a file or folder into the container. */
export function copyToLabCommand({ name, engine }: LabContainer, from: string, to: string): Command {
  return docker(engine, 'write', 'cp', '--quiet', from, `${name}:${to}`);
}

/** Fetches a file or folder from the container. */
export function copyFromLabCommand({ name, engine }: LabContainer, from: string, to: string): Command {
  return docker(engine, 'write', 'cp', '--quiet', `${name}:${from}`, to);
}

/** Runs it, with its output as one's own. */
export function startLabCommand({ name, engine }: LabContainer): Command {
  return docker(engine, 'write', 'start', '--attach', name);
}

/** Removes a container, running or not, and its image. Fails if either isn't there, which is no harm. */
export function removeLabCommands({ name, engine }: LabContainer): Command[] {
  return [
    docker(engine, 'write', 'rm', '--force', '--volumes', name),
    docker(engine, 'write', 'image', 'rm', '--force', name),
  ];
}

/** Lists all containers of laboratories: `NAME OWNER` a line. */
export function listLabsCommand(engine: string | undefined): Command {
  const format = `{{.Names}} {{.Label "${LAB_LABEL}"}}`;
  return docker(engine, 'read', 'ps', '--all', '--filter', `label=${LAB_LABEL}`, '--format', format);
}
