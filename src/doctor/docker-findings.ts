import { MIN_ENGINE, parseEngine } from '../plan/builder.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import { type DockerFailure, dockerFailure } from '../plan/docker-failure.ts';
import { type Finding, type Fix, type Means, NO_FIX } from './finding.ts';
import type { HostFacts } from './requirements.ts';

/** Whether the builder is not this machine's engine, but a container, another machine or a cluster. */
export function far(host: HostFacts): boolean {
  // If nothing responds, the current builder has no driver.
  return host.builder !== undefined && !['docker', ''].includes(host.builder.driver);
}

/** The failure of an engine that refuses this user or is not this machine's: installing one here would not help. */
export function elsewhere({ docker }: HostFacts): DockerFailure | undefined {
  if (docker.engine !== undefined || !docker.client) return undefined;
  const failure = dockerFailure(docker.failure ?? '');
  return failure.external ? failure : undefined;
}

export function platformAdvice(host: HostFacts, ociArch: string): string | undefined {
  if (far(host)) return `Add a linux/${ociArch} node to the builder.`;
  return elsewhere(host) === undefined ? undefined : 'Checked once the engine responds.';
}

export function builderRuns(host: HostFacts, ociArch: string): boolean {
  const platforms = (host.builder?.nodes ?? []).flat().map(({ platform }) => platform.split('/'));
  return platforms.some(([os, arch]) => os === 'linux' && arch === ociArch);
}

/** An existing buildx builder is used as it is, without requiring an engine. */
export function builderFinding({ builder }: HostFacts): Finding {
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

/** A builder cannot run containers for tests, so an engine is needed too. The user chooses it: nothing is installed. */
export function engineBesideFinding(host: HostFacts): Finding {
  return {
    ...NO_FIX,
    id: 'docker-engine',
    title: 'Docker engine beside the builder',
    ok: host.docker.engine !== undefined,
    why: 'runs the containers that test packages',
    advice:
      elsewhere(host)?.hint ??
      'Start one, select one (DOCKER_HOST, docker context use), or build with --no-verify.',
  };
}

/** A running engine is used as it is: its owner decides about its version. */
export function engineFinding(host: HostFacts, { fixes, advice }: Means): Finding {
  const { engine, client } = host.docker;
  const finding = { id: 'docker-engine', title: 'Docker engine', why: 'compiles, packages and tests' };
  const failure = elsewhere(host);
  if (failure !== undefined)
    return {
      ...finding,
      ...NO_FIX,
      ok: false,
      why: failure.message,
      advice: failure.hint,
    };
  if (engine === undefined || !client) {
    const text = advice('engine');
    return { ...finding, ok: false, ...fixes(engineFix(host)), advice: text };
  }
  const ok = parseEngine(engine).suitable;
  return {
    ...finding,
    ...NO_FIX,
    title: ok ? finding.title : `Docker engine ${MIN_ENGINE}.0 or newer (this one is ${engine})`,
    ok,
    advice: 'Upgrade it, or select another buildx builder with --builder.',
  };
}

function engineFix(host: HostFacts): Fix {
  const { client, daemon, configured } = host.docker;
  return {
    packages: [...(daemon ? [] : ['docker.io']), ...(client ? [] : ['docker-cli'])],
    // Only for a newly installed engine: on an existing one, another image store would hide the images.
    files: daemon || configured ? {} : { [DAEMON_CONFIGURATION]: CONTAINERD_IMAGE_STORE },
    // `start`, never `restart`: other users' containers may be running.
    fix: [
      host.systemd
        ? { file: 'systemctl', args: ['start', 'docker'], effect: 'write' as const }
        : START_DAEMON,
    ],
  };
}

const DAEMON_CONFIGURATION = '/etc/docker/daemon.json';

/** Required for multiple platforms in the docker driver, and for OCI layouts as base images. */
const CONTAINERD_IMAGE_STORE = '{ "features": { "containerd-snapshotter": true } }\n';

/** Starts the engine without systemd. It outlives turnbuild, for the next command. */
const START_DAEMON: Command = {
  file: 'setsid',
  args: ['--fork', 'sh', '-c', 'exec dockerd >>/var/log/turnbuild-dockerd.log 2>&1 </dev/null'],
  effect: 'write',
};

const BINFMT = '/proc/sys/fs/binfmt_misc';

/** QEMU for another architecture than the machine's own. */
export function emulationFix(host: HostFacts, ociArch: string): Fix {
  if (ociArch === host.arch) return {};
  // The engine's platforms are known only once it runs.
  if (host.docker.engine === undefined && host.emulates.has(ociArch)) return {};
  const name = ociArch === 'arm64' ? 'qemu-aarch64' : 'qemu-x86_64';
  const sh = (script: string): Command => ({ file: 'sh', args: ['-c', script], effect: 'write' });
  return {
    packages: ['qemu-user-static'],
    // systemd does both. Without it, Debian 13 does neither, because its QEMU ships no file for binfmt-support.
    fix: [
      sh(`mountpoint -q ${BINFMT} || mount -t binfmt_misc binfmt_misc ${BINFMT}`),
      sh(`test -e ${BINFMT}/${name} || cat /usr/lib/binfmt.d/${name}.conf >${BINFMT}/register`),
    ],
  };
}
