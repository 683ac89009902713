import type { InspectedBuilder } from '../plan/builder.ts';
import { adviceFor, type Thing } from './advice.ts';
import {
  builderFinding,
  builderRuns,
  elsewhere,
  emulationFix,
  engineBesideFinding,
  engineFinding,
  far,
  platformAdvice,
} from './docker-findings.ts';
import { type Finding, type Fix, NO_FIX } from './finding.ts';
import { publishFindings } from './publish-findings.ts';

/** Facts about a machine. */
export interface HostFacts {
  /** `ID`, `VERSION_ID` and `ID_LIKE` of os-release, e.g. `ubuntu`, `24.04` and `debian`; `darwin` on macOS. */
  os: { id: string; version: string; like: readonly string[] };
  root: boolean;
  /** systemd is process 1, and manages the services. */
  systemd: boolean;
  /** Debian's name of the architecture, e.g. `amd64`. */
  arch: string;
  docker: {
    client: boolean;
    buildx: boolean;
    /** Version of the engine; undefined if none responds to this user. */
    engine: string | undefined;
    /** The client's error if none responds. */
    failure?: string;
    /** dockerd is installed, running or not. */
    daemon: boolean;
    /** /etc/docker/daemon.json exists. */
    configured: boolean;
  };
  /** The selected or current buildx builder, which may be different from the local engine. */
  builder: InspectedBuilder | undefined;
  /** Architectures (Debian's names) whose programs this machine runs, according to arch-test. */
  runs: ReadonlySet<string>;
  /** Architectures for which the kernel has an emulator that containers can use too. */
  emulates: ReadonlySet<string>;
  /** Programs on PATH. */
  programs: ReadonlySet<string>;
  /** The requested Debian packages that are installed. */
  packages: ReadonlySet<string>;
  archiveKeyring: boolean;
  /** A container registry serves the official images. */
  registry: boolean;
}

/** What a machine is for: building and testing, or publishing. */
export type Purpose = 'build' | 'publish';

/**
 * Facts -> findings, in the order in which they must be fixed. Pure.
 * @param packages names of further required Debian packages
 * @param purpose what the machine is for; by default, it builds, and what publishing needs is optional
 */
export function diagnose(host: HostFacts, packages: readonly string[] = [], purpose?: Purpose): Finding[] {
  const debian = host.os.id === 'debian' && ['12', '13'].includes(host.os.version);
  const fixable = debian && host.root;
  const fixes = (fix: Fix) => ({ ...NO_FIX, ...(fixable ? fix : {}) });
  const asRoot = (command: string) => (host.root ? command : `Run \`${command}\` as root.`);
  const doctor = asRoot('turnbuild doctor --fix');
  const advice = (thing: Thing) => (debian ? doctor : adviceFor(thing, host));
  const bootstraps = !host.registry;
  // Without bootstrapping, only sources from the Debian archive need gpgv and the keyring. Systems other than Debian use GitHub's.
  const optional = !debian && host.registry;
  const building: Finding[] = [
    ...(far(host)
      ? [builderFinding(host), engineBesideFinding(host)]
      : [engineFinding(host, { fixes, advice })]),
    {
      id: 'docker-buildx',
      title: 'Docker buildx',
      ok: host.docker.buildx,
      why: 'runs all builds',
      ...fixes({ packages: ['docker-buildx'] }),
      advice: advice('buildx'),
    },
    ...['arm64', 'amd64'].map((arch) => ({
      id: `platform-${arch}`,
      title: `linux/${arch} supported by the builder`,
      ok: builderRuns(host, arch),
      why: `needed to test ${arch} packages`,
      ...(far(host) || elsewhere(host) ? NO_FIX : fixes(emulationFix(host, arch))),
      advice: platformAdvice(host, arch) ?? advice('qemu'),
    })),
    {
      id: 'registry',
      title: 'Container registry',
      ok: host.registry,
      why: 'provides the official images for base images',
      // mmdebstrap takes its place.
      optional: true,
      ...NO_FIX,
      advice: 'Not needed with mmdebstrap: base images are then bootstrapped.',
    },
    // Base images are bootstrapped on this machine, wherever the builder is.
    ...(bootstraps && far(host) ? ['arm64', 'amd64'] : []).map((arch) => ({
      id: `runs-${arch}`,
      title: `${arch} programs run on this machine`,
      ok: host.runs.has(arch),
      why: `needed to bootstrap minimal ${arch} base images`,
      ...fixes(emulationFix(host, arch)),
      advice: advice('qemu'),
    })),
    ...[
      { program: 'mmdebstrap', why: 'bootstraps minimal base images without a container registry' },
      { program: 'arch-test', why: 'tells mmdebstrap which architectures run on this machine' },
    ].flatMap(({ program, why }) =>
      bootstraps
        ? {
            id: program,
            title: program,
            ok: host.programs.has(program),
            why,
            ...fixes({ packages: [program] }),
            advice: advice('mmdebstrap'),
          }
        : [],
    ),
    {
      id: 'gpgv',
      title: 'gpgv',
      ok: host.programs.has('gpgv'),
      why: 'verifies sources from the Debian archive and signatures of extra packages',
      optional,
      ...fixes({ packages: ['gpgv'] }),
      advice: advice('gpgv'),
    },
    {
      id: 'archive-keyring',
      title: 'Keys of the Debian archive',
      ok: host.archiveKeyring,
      optional,
      why: bootstraps
        ? 'verify sources and base images from the Debian archive'
        : 'verify sources from the Debian archive',
      ...fixes({ packages: ['debian-archive-keyring'] }),
      advice: advice('keyring'),
    },
  ];
  const publishing = publishFindings(
    host.programs,
    {
      fixes,
      advice: (thing) => (debian ? asRoot('turnbuild doctor --for publish --fix') : adviceFor(thing, host)),
    },
    purpose !== 'publish',
  );
  return [
    ...(purpose === 'publish' ? [] : building),
    ...(purpose === 'build' ? [] : publishing),
    ...packages.map(
      (name): Finding => ({
        id: `package-${name}`,
        title: `Package ${name}`,
        ok: host.packages.has(name),
        why: 'requested with --packages',
        ...fixes({ packages: [name] }),
        advice: debian ? doctor : `Install ${name}.`,
      }),
    ),
  ];
}
