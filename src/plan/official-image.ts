import { type Mirrors, sourcesList } from './archives.ts';
import { buildxCommand } from './buildx.ts';
import type { Command } from './command.ts';
import { type Arch, platformOf } from './platforms.ts';
import type { PlannedBase } from './types.ts';

/** The build context and the builder for official images. */
export interface ImageBuild {
  /** Path of recipes/docker/image. */
  folder: string;
  /** Name of a buildx builder; the current one if undefined. */
  builder?: string | undefined;
}

/**
 * Pulls an official image and exports facts about it (os-release, apt's sources, dpkg's status) into a folder. The builder
 * queries the registry, so its mirrors, proxies and credentials apply.
 * @param resolve adds provenance.json, which contains the digest of a tag
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

/** Queries the registry for an image's digest, for engines whose builder records no provenance. */
export function imageDigestCommand(image: string): Command {
  return {
    file: 'docker',
    args: ['buildx', 'imagetools', 'inspect', '--format', '{{.Manifest.Digest}}', image],
    effect: 'read',
  };
}

/**
 * The digest that a build resolved its only image to; undefined if its provenance contains none.
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

/** Suites that are aliases of codenames: the os-release of their images contains the current codename. */
const ALIASES = new Set(['oldoldstable', 'oldstable', 'stable', 'testing', 'unstable', 'sid', 'devel']);

/**
 * The codename of an image for another suite; undefined if the image is for this suite, or if its os-release has no codename.
 * @param osRelease text of os-release(5)
 */
export function foreignCodename(osRelease: string, suite: string): string | undefined {
  const codename = /^VERSION_CODENAME="?([\w.-]+)"?$/m.exec(osRelease)?.[1];
  return codename === suite || ALIASES.has(suite) ? undefined : codename;
}

/**
 * The command that makes a base image from an official image pinned by digest.
 * @param work folder for `root.tar`, the root file system
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
