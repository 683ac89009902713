import { type InspectedBuilder, MIN_ENGINE, parseEngine } from './buildx.ts';
import { type Command, formatCommand } from './command.ts';

/** What was found on a machine. */
export interface HostFacts {
  /** `ID` and `VERSION_ID` of os-release, e.g. `debian` and `12`; `darwin` on macOS. */
  os: { id: string; version: string };
  root: boolean;
  /** systemd is process 1, so services are its business. */
  systemd: boolean;
  /** Debian mirror of this machine's apt configuration. */
  mirror: string | undefined;
  /** apt's own sources have Debian 13 or newer, whose Docker is new enough. */
  newDocker: boolean;
  docker: {
    client: boolean;
    buildx: boolean;
    /** Version of the engine that answers this user. */
    engine: string | undefined;
    /** dockerd is installed, running or not. */
    daemon: boolean;
    /** /etc/docker/daemon.json is there. */
    configured: boolean;
  };
  /** The buildx builder that was named or is current; it may be another one than the local engine. */
  builder: InspectedBuilder | undefined;
  /** Architectures (Debian's names) whose programs this machine runs, as arch-test has it. */
  runs: ReadonlySet<string>;
  /** Programs on PATH. */
  programs: ReadonlySet<string>;
  /** The kernel's binfmt_misc file system is mounted. */
  binfmt: boolean;
  archiveKeyring: boolean;
}

/** One thing that turnbuild needs: whether it is there, why it is needed, and the commands that mend it. */
export interface Finding {
  id: string;
  title: string;
  ok: boolean;
  why: string;
  /** Empty where only the user can mend it; `advice` then says how. */
  fix: FixStep[];
  advice: string;
}

/** A step of a fix: a file to write, or a command and what to run if that fails without having changed anything. */
export type FixStep = (Command & { otherwise?: Command }) | { write: string; content: string };

const TRIXIE_SOURCE = '/etc/apt/sources.list.d/turnbuild-trixie.sources';
const TRIXIE_PIN = '/etc/apt/preferences.d/turnbuild-trixie';

/** Facts -> findings, in the order in which they have to be mended. Pure. */
export function diagnose(host: HostFacts): Finding[] {
  const debian = host.os.id === 'debian' && ['12', '13'].includes(host.os.version);
  const mendable = debian && host.root;
  const fixes = (steps: FixStep[]) => (mendable ? steps : []);
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
      why: 'builds for another architecture, on any builder',
      fix: fixes(host.docker.buildx ? [] : installSteps(host, ['docker-buildx'], true)),
      advice: advice('Install the buildx plugin of Docker.'),
    },
    ...['arm64', 'amd64'].map((arch) => ({
      id: `platform-${arch}`,
      title: `Builder runs linux/${arch}`,
      ok: builderRuns(host, arch),
      why: 'packages are installed and used on their own architecture before they are published',
      fix: far(host) ? [] : fixes(emulationFix(host, arch)),
      advice: far(host)
        ? `Give the builder a node for linux/${arch}.`
        : advice(`Register QEMU for ${arch}, or use a buildx builder with a native node.`),
    })),
    // Roots are made on this machine, wherever the builder is.
    ...(far(host) ? ['arm64', 'amd64'] : []).map((arch) => ({
      id: `runs-${arch}`,
      title: `This machine runs ${arch} programs`,
      ok: host.runs.has(arch),
      why: 'minimal roots are made on it, with the programs of their own architecture',
      fix: fixes(emulationFix(host, arch)),
      advice: advice(
        `Register QEMU for ${arch}, or pin registry images as baseImage in the targets' recipes.`,
      ),
    })),
    ...[
      {
        program: 'mmdebstrap',
        why: 'makes the minimal roots that everything starts from, without a container registry',
      },
      { program: 'arch-test', why: 'mmdebstrap asks it whether a foreign architecture can run' },
      { program: 'gpgv', why: 'checks the signature of the Debian archive' },
    ].map(({ program, why }) => ({
      id: program,
      title: program,
      ok: host.programs.has(program),
      why,
      fix: fixes(installSteps(host, [program], false)),
      advice: advice(`Install ${program}, or pin a registry image as baseImage in the target's recipe.`),
    })),
    {
      id: 'archive-keyring',
      title: 'Keys of the Debian archive',
      ok: host.archiveKeyring,
      why: 'sources and roots from the Debian archive are checked with them',
      fix: fixes(installSteps(host, ['debian-archive-keyring'], false)),
      advice: advice('Install debian-archive-keyring.'),
    },
  ];
}

/** The builder isn't the engine of this machine: a container, another machine, a cluster. */
function far(host: HostFacts): boolean {
  // Where nothing answers, the current builder has no driver.
  return host.builder !== undefined && !['docker', ''].includes(host.builder.driver);
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
    id: 'builder',
    title: `Builder ${name} (${builder?.driver})`,
    ok: (builder?.nodes ?? []).length > 0,
    why: 'all compiling, packaging and verifying happens in it',
    fix: [command],
    advice: `Start its nodes: ${formatCommand(command)}`,
  };
}

/** A builder gives no containers. Which engine does is for whoever has set up the builder to say: nothing is installed. */
function engineBesideFinding({ docker }: HostFacts): Finding {
  return {
    id: 'docker-engine',
    title: 'Docker engine beside the builder',
    ok: docker.engine !== undefined,
    why: 'packages are used in a container before they are published; a builder has none to give',
    fix: [],
    advice: 'Start one, or name one (DOCKER_HOST, docker context use); or make packages with --no-verify.',
  };
}

interface Mending {
  fixes: (steps: FixStep[]) => FixStep[];
  advice: (text: string) => string;
}

/** An engine that answers is used as it is: whoever runs it decides about its version. */
function engineFinding(host: HostFacts, { fixes, advice }: Mending): Finding {
  const { engine, client } = host.docker;
  const finding = { title: 'Docker engine', why: 'all compiling, packaging and verifying happens in it' };
  if (engine === undefined || !client) {
    const fix = fixes(engineFix(host));
    const text = advice('Install Docker Desktop or Docker Engine, and start it.');
    return { id: 'docker-engine', ...finding, ok: false, fix, advice: text };
  }
  const ok = parseEngine(engine).suitable;
  return {
    id: 'docker-engine',
    ...finding,
    title: ok ? finding.title : `Docker engine (${engine}; ${MIN_ENGINE}.0 or newer is needed)`,
    ok,
    fix: [],
    advice: 'Upgrade it, or name another buildx builder with --builder.',
  };
}

function engineFix(host: HostFacts): FixStep[] {
  const steps: FixStep[] = [];
  if (!host.docker.daemon || !host.docker.client) {
    const client = host.docker.client ? [] : ['docker-cli'];
    const packages = ['docker.io', 'containerd', 'runc', 'docker-buildx', ...client];
    steps.push(...installSteps(host, packages, true));
  }
  if (!host.docker.configured) {
    // Several platforms in the docker driver, and OCI layouts as bases, need the containerd image store.
    steps.push({
      write: '/etc/docker/daemon.json',
      content: '{ "features": { "containerd-snapshotter": true } }\n',
    });
  }
  if (host.systemd) {
    steps.push({ file: 'systemctl', args: ['restart', 'docker'], effect: 'write' });
  } else {
    steps.push(START_DAEMON);
  }
  return steps;
}

/** Without systemd nobody else starts it. It outlives turnbuild: the next command finds it. */
const START_DAEMON: Command = {
  file: 'setsid',
  args: ['--fork', 'sh', '-c', 'exec dockerd >>/var/log/turnbuild-dockerd.log 2>&1 </dev/null'],
  effect: 'write',
};

function emulationFix(host: HostFacts, ociArch: string): FixStep[] {
  const name = ociArch === 'arm64' ? 'qemu-aarch64' : 'qemu-x86_64';
  const qemu = host.newDocker ? 'qemu-user-binfmt' : 'qemu-user-static';
  const steps = installSteps(host, [qemu, 'binfmt-support'], false);
  if (!host.binfmt)
    steps.push({
      file: 'mount',
      args: ['-t', 'binfmt_misc', 'binfmt_misc', '/proc/sys/fs/binfmt_misc'],
      effect: 'write',
    });
  steps.push({ file: 'update-binfmts', args: ['--enable', name], effect: 'write' });
  return steps;
}

/** Debian 12's Docker is too old (20.10 has no named contexts), so those packages come from Debian 13, pinned low. */
function installSteps(host: HostFacts, packages: string[], newer: boolean): FixStep[] {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const fromTrixie = newer && !host.newDocker;
  const sources: FixStep[] =
    fromTrixie && host.mirror !== undefined
      ? [
          {
            write: TRIXIE_SOURCE,
            content: `Types: deb\nURIs: ${host.mirror}\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`,
          },
          { write: TRIXIE_PIN, content: 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' },
        ]
      : [];
  // NAME/SUITE takes these packages from there and nothing else; `-t` would upgrade what they depend on along with them.
  // Where libraries of trixie are installed already, what belongs to them must come from there too: then `-t` it is.
  const install = (...names: string[]): Command => ({
    file: 'apt-get',
    args: ['install', '-qy', '--no-install-recommends', ...names],
    env,
    effect: 'write',
  });
  return [
    ...sources,
    { file: 'apt-get', args: ['update', '-q'], env, effect: 'write' },
    fromTrixie
      ? {
          ...install(...packages.map((name) => `${name}/trixie`)),
          otherwise: install('-t', 'trixie', ...packages),
        }
      : install(...packages),
  ];
}
