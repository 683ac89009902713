import { type Mirrors, sourcesList } from './archives.ts';
import { buildxCommand } from './buildx.ts';
import type { Command } from './command.ts';
import { type Arch, platformOf } from './platforms.ts';
import type { PlannedBase } from './types.ts';

/** Where the builds of official images happen. */
export interface ImageBuild {
  /** Path of recipes/docker/image. */
  folder: string;
  /** Name of a buildx builder; the current one without it. */
  builder?: string | undefined;
}

/**
 * Pulls an official image and exports facts about it (os-release, apt's sources, dpkg's status) into a folder. The builder
 * asks the registry, so its mirrors, proxies and credentials apply.
 * @param resolve adds provenance.json, which has the digest of a tag
 */
export function imageFactsCommand(
  image: string,
  arch: Arch,
  output: string,
  { folder, builder, resolve }: ImageBuild & { resolve?: true },
): Command {
  return buildxCommand({
    context: folder,
    dockerStage: 'facts',
    platform: `linux/${platformOf(arch).oci}`,
    contexts: { given: `docker-image://${image}` },
    buildArgs: {},
    output: { folder: output },
    ...(resolve === undefined ? {} : { provenance: resolve }),
    ...(builder === undefined ? {} : { builder }),
  });
}

/** Asks the registry for an image's digest, where the engine's builder records no provenance. */
export function imageDigestCommand(image: string): Command {
  return {
    file: 'docker',
    args: ['buildx', 'imagetools', 'inspect', '--format', '{{.Manifest.Digest}}', image],
    effect: 'read',
  };
}

/**
 * The digest that a build has resolved its only image to; undefined where its provenance names none.
 * @param provenance text of provenance.json
 * @see https://slsa.dev/spec/v0.2/provenance
 */
export function resolvedDigest(provenance: string): string | undefined {
  const { predicate } = JSON.parse(provenance) as {
    predicate?: { materials?: { uri?: string; digest?: { sha256?: string } }[] };
  };
  const image = predicate?.materials?.find(({ uri = '' }) => uri.startsWith('pkg:docker/'));
  const sha256 = image?.digest?.sha256;
  return sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? `sha256:${sha256}` : undefined;
}

/** Suites that are not codenames: the os-release of such an image names the current one. */
const ALIASES = new Set(['oldoldstable', 'oldstable', 'stable', 'testing', 'unstable', 'sid', 'devel']);

/**
 * The codename of an image that is not for a suite; undefined if it is, or if its os-release names none.
 * @param osRelease text of os-release(5)
 */
export function foreignCodename(osRelease: string, suite: string): string | undefined {
  const codename = /^VERSION_CODENAME="?([\w.-]+)"?$/m.exec(osRelease)?.[1];
  return codename === suite || ALIASES.has(suite) ? undefined : codename;
}

/**
 * The command that makes a base image of an official image pinned by digest.
 * @param work folder that gets `root.tar`, the root file system
 */
export function imageRootCommand(
  base: PlannedBase & { image: string },
  mirrors: Mirrors,
  work: string,
  { folder, builder }: ImageBuild,
): Command {
  return buildxCommand({
    context: folder,
    dockerStage: 'root',
    platform: `linux/${platformOf(base.arch).oci}`,
    contexts: { given: `docker-image://${base.image}` },
    buildArgs: { APT_SOURCES: sourcesList(base, mirrors).join('\n') },
    output: { tar: `${work}/root.tar` },
    ...(builder === undefined ? {} : { builder }),
  });
}
