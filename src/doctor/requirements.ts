import { type InspectedBuilder, MIN_ENGINE, parseEngine } from '../plan/builder.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import { type DockerFailure, dockerFailure } from '../plan/docker-failure.ts';

/** What was found on a machine. */
export interface HostFacts {
  /** `ID` and `VERSION_ID` of os-release, e.g. `debian` and `12`; `darwin` on macOS. */
  os: { id: string; version: string };
  root: boolean;
  /** systemd is process 1, so services are its business. */
  systemd: boolean;
  /** Debian's name of its processor, e.g. `amd64`. */
  arch: string;
  docker: {
    client: boolean;
    buildx: boolean;
    /** Version of the engine that answers this user. */
    engine: string | undefined;
    /** What the client says where none answers. */
    failure?: string;
    /** dockerd is installed, running or not. */
    daemon: boolean;
    /** /etc/docker/daemon.json is there. */
    configured: boolean;
  };
  /** The buildx builder that was named or is current; it may be another one than the local engine. */
  builder: InspectedBuilder | undefined;
  /** Architectures (Debian's names) whose programs this machine runs, as arch-test has it. */
  runs: ReadonlySet<string>;
  /** Those for which the kernel has an emulator that containers can use, too. */
  emulates: ReadonlySet<string>;
  /** Programs on PATH. */
  programs: ReadonlySet<string>;
  /** Of the Debian packages that were asked about, those that are installed. */
  packages: ReadonlySet<string>;
  archiveKeyring: boolean;
}

/** One prerequisite: whether it is met, what it is needed for, and how to get it. */
export interface Finding {
  id: string;
  title: string;
  ok: boolean;
  why: string;
  /** Debian packages that `--fix` installs; empty where only the user can. */
  packages: string[];
  /** Files that these packages read when they are installed. */
  files: Record<string, string>;
  /** Commands after that; each may be run again. */
  fix: Command[];
  advice: string;
}

/** What gets a prerequisite: the part of a finding that differs between machines. */
type Fix = Partial<Pick<Finding, 'packages' | 'files' | 'fix'>>;

const NO_FIX = { packages: [], files: {}, fix: [] };

/**
 * Facts -> findings, in the order in which they have to be fixed. Pure.
 * @param packages names of further Debian packages that have to be installed
 */
export function diagnose(host: HostFacts, packages: readonly string[] = []): Finding[] {
  const debian = host.os.id === 'debian' && ['12', '13'].includes(host.os.version);
  const fixable = debian && host.root;
  const fixes = (fix: Fix) => ({ ...NO_FIX, ...(fixable ? fix : {}) });
  const advice = (text: string) => {
    if (!debian) return text;
    return host.root ? 'turnbuild doctor --fix' : 'Run `turnbuild doctor --fix` as root.';
  };
  return [
    ...(far(host)
      ? [builderFinding(host), engineBesideFinding(host)]
      : [engineFinding(host, { fixes, advice })]),
    {
      id: 'docker-buildx',
      title: 'Docker buildx',
      ok: host.docker.buildx,
      why: 'runs all builds',
      ...fixes({ packages: ['docker-buildx'] }),
      advice: advice('Install the buildx plugin of Docker.'),
    },
    ...['arm64', 'amd64'].map((arch) => ({
      id: `platform-${arch}`,
      title: `linux/${arch} supported by the builder`,
      ok: builderRuns(host, arch),
      why: `needed to test ${arch} packages`,
      ...(far(host) || elsewhere(host) ? NO_FIX : fixes(emulationFix(host, arch))),
      advice:
        platformAdvice(host, arch) ??
        advice(`Register QEMU for ${arch}, or use a buildx builder with a native node.`),
    })),
    // Base images are bootstrapped on this machine, wherever the builder is.
    ...(far(host) ? ['arm64', 'amd64'] : []).map((arch) => ({
      id: `runs-${arch}`,
      title: `${arch} programs run on this machine`,
      ok: host.runs.has(arch),
      why: `needed to bootstrap minimal ${arch} base images`,
      ...fixes(emulationFix(host, arch)),
      advice: advice(
        `Register QEMU for ${arch}, or pin registry images as baseImage in the targets' recipes.`,
      ),
    })),
    ...[
      { program: 'mmdebstrap', why: 'bootstraps minimal base images without a container registry' },
      { program: 'arch-test', why: 'tells mmdebstrap which architectures run on this machine' },
      { program: 'gpgv', why: 'verifies the signatures of the Debian archive' },
    ].map(({ program, why }) => ({
      id: program,
      title: program,
      ok: host.programs.has(program),
      why,
      ...fixes({ packages: [program] }),
      advice: advice(`Install ${program}, or pin a registry image as baseImage in the target's recipe.`),
    })),
    {
      id: 'archive-keyring',
      title: 'Keys of the Debian archive',
      ok: host.archiveKeyring,
      why: 'verify sources and base images from the Debian archive',
      ...fixes({ packages: ['debian-archive-keyring'] }),
      advice: advice('Install debian-archive-keyring.'),
    },
    ...packages.map((name) => ({
      id: `package-${name}`,
      title: `Package ${name}`,
      ok: host.packages.has(name),
      why: 'asked for with --packages',
      ...fixes({ packages: [name] }),
      advice: advice(`Install ${name}.`),
    })),
  ];
}

/** The builder isn't the engine of this machine: a container, another machine, a cluster. */
function far(host: HostFacts): boolean {
  // Where nothing answers, the current builder has no driver.
  return host.builder !== undefined && !['docker', ''].includes(host.builder.driver);
}

/** An engine that refuses this user, or that is not this machine's: installing and starting one here would not help. */
function elsewhere({ docker }: HostFacts): DockerFailure | undefined {
  if (docker.engine !== undefined || !docker.client) return undefined;
  const failure = dockerFailure(docker.failure ?? '');
  return failure.external ? failure : undefined;
}

function platformAdvice(host: HostFacts, ociArch: string): string | undefined {
  if (far(host)) return `Add a linux/${ociArch} node to the builder.`;
  return elsewhere(host) === undefined ? undefined : 'Known once the engine answers.';
}

function builderRuns(host: HostFacts, ociArch: string): boolean {
  const platforms = (host.builder?.nodes ?? []).flat().map(({ platform }) => platform.split('/'));
  return platforms.some(([os, arch]) => os === 'linux' && arch === ociArch);
}

/** A buildx builder that is there is used, and no engine is asked for. */
function builderFinding({ builder }: HostFacts): Finding {
  const name = builder?.name ?? '';
  const command: Command = {
    file: 'docker',
    args: ['buildx', 'inspect', '--bootstrap', name],
    effect: 'write',
  };
  return {
    ...NO_FIX,
    id: 'builder',
    title: `Builder ${name} (${builder?.driver})`,
    ok: (builder?.nodes ?? []).length > 0,
    why: 'compiles, packages and inspects',
    fix: [command],
    advice: `Start its nodes: ${formatCommand(command)}`,
  };
}

/** A builder cannot run containers for the tests, so an engine is needed too. The user chooses it: nothing is installed. */
function engineBesideFinding(host: HostFacts): Finding {
  return {
    ...NO_FIX,
    id: 'docker-engine',
    title: 'Docker engine beside the builder',
    ok: host.docker.engine !== undefined,
    why: 'runs the containers in which packages are tested',
    advice:
      elsewhere(host)?.hint ??
      'Start one, select one (DOCKER_HOST, docker context use), or build with --no-verify.',
  };
}

interface Means {
  fixes: (fix: Fix) => Pick<Finding, 'packages' | 'files' | 'fix'>;
  advice: (text: string) => string;
}

/** An engine that answers is used as it is: whoever runs it decides about its version. */
function engineFinding(host: HostFacts, { fixes, advice }: Means): Finding {
  const { engine, client } = host.docker;
  const finding = { id: 'docker-engine', title: 'Docker engine', why: 'compiles, packages and tests' };
  const failure = elsewhere(host);
  if (failure !== undefined)
    return {
      ...finding,
      ...NO_FIX,
      ok: false,
      title: 'A Docker engine that answers',
      why: failure.message,
      advice: failure.hint,
    };
  if (engine === undefined || !client) {
    const text = advice('Install Docker Desktop or Docker Engine, and start it.');
    return { ...finding, ok: false, ...fixes(engineFix(host)), advice: text };
  }
  const ok = parseEngine(engine).suitable;
  return {
    ...finding,
    ...NO_FIX,
    title: ok ? finding.title : `Docker engine ${MIN_ENGINE}.0 or newer (this one is ${engine})`,
    ok,
    advice: 'Upgrade it, or name another buildx builder with --builder.',
  };
}

function engineFix(host: HostFacts): Fix {
  const { client, daemon, configured } = host.docker;
  return {
    packages: [...(daemon ? [] : ['docker.io']), ...(client ? [] : ['docker-cli'])],
    // Only for an engine that this installs: on another one it would hide the images that are there.
    files: daemon || configured ? {} : { [DAEMON_CONFIGURATION]: CONTAINERD_IMAGE_STORE },
    // `start`, never `restart`: containers may run in one that answers somebody else.
    fix: [
      host.systemd
        ? { file: 'systemctl', args: ['start', 'docker'], effect: 'write' as const }
        : START_DAEMON,
    ],
  };
}

const DAEMON_CONFIGURATION = '/etc/docker/daemon.json';

/** Several platforms in the docker driver, and OCI layouts as bases, need it. */
const CONTAINERD_IMAGE_STORE = '{ "features": { "containerd-snapshotter": true } }\n';

/** Starts the engine where systemd does not. It outlives turnbuild: the next command uses it. */
const START_DAEMON: Command = {
  file: 'setsid',
  args: ['--fork', 'sh', '-c', 'exec dockerd >>/var/log/turnbuild-dockerd.log 2>&1 </dev/null'],
  effect: 'write',
};

const BINFMT = '/proc/sys/fs/binfmt_misc';

/** QEMU for another architecture than the machine's own. */
function emulationFix(host: HostFacts, ociArch: string): Fix {
  if (ociArch === host.arch) return {};
  // Which platforms the engine supports shows only once it runs.
  if (host.docker.engine === undefined && host.emulates.has(ociArch)) return {};
  const name = ociArch === 'arm64' ? 'qemu-aarch64' : 'qemu-x86_64';
  const sh = (script: string): Command => ({ file: 'sh', args: ['-c', script], effect: 'write' });
  return {
    packages: ['qemu-user-static'],
    // systemd does both by itself. Elsewhere nothing does on Debian 13, whose QEMU ships no file for binfmt-support.
    fix: [
      sh(`mountpoint -q ${BINFMT} || mount -t binfmt_misc binfmt_misc ${BINFMT}`),
      sh(`test -e ${BINFMT}/${name} || cat /usr/lib/binfmt.d/${name}.conf >${BINFMT}/register`),
    ],
  };
}
