import type { Command } from './command.ts';
import { type Arch, archOfOciPlatform } from './platforms.ts';

/** Asks a builder for its name, driver and platforms. @param bootstrap starts its nodes, which else have no platforms yet */
export function inspectBuilderCommand(builder: string | undefined, bootstrap: boolean): Command {
  const name = builder === undefined ? [] : [builder];
  const start = bootstrap ? ['--bootstrap'] : [];
  return { file: 'docker', args: ['buildx', 'inspect', ...start, ...name], effect: 'read' };
}

/** A platform that a node runs, and whether its owner has said that it is the node to use for it. */
export interface NodePlatform {
  /** `linux/arm64` */
  platform: string;
  explicit: boolean;
}

/** What `docker buildx inspect` says of a builder: its nodes in order, each with its platforms in order. */
export interface InspectedBuilder {
  name: string;
  driver: string;
  nodes: NodePlatform[][];
  /** Why it can't be reached; undefined if it has platforms. */
  error?: string;
}

/** Reads what `docker buildx inspect` prints, which ends with 0 where no engine answers, too. An explicit platform (`create --platform`) has an asterisk there. */
export function parseBuilder(text: string): InspectedBuilder {
  const value = (key: string) => new RegExp(`^${key}:[ \\t]*(\\S.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const nodes = [...text.matchAll(/^[ \t]*Platforms:[ \t]*(\S.*)$/gm)].map((match) =>
    (match[1] ?? '').split(',').map((each) => ({
      platform: each.trim().replace(/\*$/, ''),
      explicit: each.trim().endsWith('*'),
    })),
  );
  const error = value('Error');
  const facts = { name: value('Name'), driver: value('Driver'), nodes };
  return error === '' || nodes.length > 0 ? facts : { ...facts, error };
}

/** The architectures that a builder can run, natively or under QEMU. */
export function architecturesOf(builder: InspectedBuilder): Arch[] {
  const all = builder.nodes.flat().map(({ platform }) => archOfOciPlatform(platform));
  return [...new Set(all)].filter((arch) => arch !== undefined);
}

/**
 * The processor that a build for `arch` compiles on. buildx sends it to the node that names this platform explicitly,
 * else to the first one that runs it, else to the first one; a node is taken to be what it names first.
 * @returns undefined if no node runs arm64 or x86_64
 */
export function compilesOn(builder: InspectedBuilder, arch: Arch): Arch | undefined {
  const runs = (explicit: boolean) => (node: NodePlatform[]) =>
    node.some((each) => archOfOciPlatform(each.platform) === arch && (each.explicit || !explicit));
  const node = builder.nodes.find(runs(true)) ?? builder.nodes.find(runs(false)) ?? builder.nodes[0] ?? [];
  return node.map(({ platform }) => archOfOciPlatform(platform)).find((each) => each !== undefined);
}

/** Asks the engine behind a builder of the `docker` driver how it stores images. Such a builder has its context's name. */
export function imageStoreCommand(builder: string): Command {
  return {
    file: 'docker',
    args: ['--context', builder, 'info', '--format', '{{.ServerVersion}} {{json .DriverStatus}}'],
    effect: 'read',
  };
}

/** Asks the engine that Docker's client has chosen for its version. */
export function engineVersionCommand(): Command {
  return { file: 'docker', args: ['version', '--format', '{{.Server.Version}}'], effect: 'read' };
}

/** Docker 23.0 has the first BuildKit whose built-in frontend knows named contexts. */
export const MIN_ENGINE = 23;

/**
 * Reads the answer to `imageStoreCommand`: the engine's version, whether it is new enough, and whether it has the
 * containerd image store, without which its BuildKit knows no OCI layouts.
 */
export function parseEngine(text: string): { version: string; suitable: boolean; ociLayouts: boolean } {
  const version = text.trim().split(' ')[0] ?? '';
  return {
    version,
    suitable: Number.parseInt(version, 10) >= MIN_ENGINE,
    ociLayouts: text.includes('io.containerd.snapshotter'),
  };
}
