import type { Command } from './command.ts';
import { type Arch, archOfOciPlatform } from './platforms.ts';

/** Queries a builder's name, driver and platforms. @param bootstrap starts its nodes, whose platforms are unknown until then */
export function inspectBuilderCommand(builder: string | undefined, bootstrap: boolean): Command {
  const name = builder === undefined ? [] : [builder];
  const start = bootstrap ? ['--bootstrap'] : [];
  return { file: 'docker', args: ['buildx', 'inspect', ...start, ...name], effect: 'read' };
}

/** A platform of a node, and whether it was assigned to the node explicitly. */
export interface NodePlatform {
  /** `linux/arm64` */
  platform: string;
  explicit: boolean;
}

/** The result of `docker buildx inspect`: a builder's nodes in order, each with its platforms in order. */
export interface InspectedBuilder {
  name: string;
  driver: string;
  nodes: NodePlatform[][];
  /** Why it can't be reached; undefined if it has platforms. */
  error?: string;
}

/** Parses the output of `docker buildx inspect`, which exits with 0 even if no engine responds. An asterisk marks explicit platforms. */
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
 * The processor that a build for `arch` compiles on. buildx sends it to the node with this explicit platform, otherwise to
 * the first node that supports it, otherwise to the first node. A node's first platform is taken as its processor.
 * @returns undefined if no node runs arm64 or x86_64
 */
export function compilesOn(builder: InspectedBuilder, arch: Arch): Arch | undefined {
  const runs = (explicit: boolean) => (node: NodePlatform[]) =>
    node.some((each) => archOfOciPlatform(each.platform) === arch && (each.explicit || !explicit));
  const node = builder.nodes.find(runs(true)) ?? builder.nodes.find(runs(false)) ?? builder.nodes[0] ?? [];
  return node.map(({ platform }) => archOfOciPlatform(platform)).find((each) => each !== undefined);
}

/** Queries how the engine of a builder with the `docker` driver stores images. Such a builder has its context's name. */
export function imageStoreCommand(builder: string): Command {
  return {
    file: 'docker',
    args: ['--context', builder, 'info', '--format', '{{.ServerVersion}} {{json .DriverStatus}}'],
    effect: 'read',
  };
}

/** Queries the version of the engine selected by Docker's client. */
export function engineVersionCommand(): Command {
  return { file: 'docker', args: ['version', '--format', '{{.Server.Version}}'], effect: 'read' };
}

/** Docker 23.0 is the first whose BuildKit supports named contexts in its built-in frontend. */
export const MIN_ENGINE = 23;

/**
 * Parses the output of `imageStoreCommand`: the engine's version, whether it is new enough, and whether it has the
 * containerd image store, which its BuildKit needs for OCI layouts.
 */
export function parseEngine(text: string): { version: string; suitable: boolean; ociLayouts: boolean } {
  const version = text.trim().split(' ')[0] ?? '';
  return {
    version,
    suitable: Number.parseInt(version, 10) >= MIN_ENGINE,
    ociLayouts: text.includes('io.containerd.snapshotter'),
  };
}
