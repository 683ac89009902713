import { cpus } from 'node:os';
import { usageError } from '../errors.ts';
import { shownUrl } from '../io/shown-url.ts';
import type { CheckSelection } from '../plan/check-selection.ts';
import { type Arch, parseArch } from '../plan/platforms.ts';
import { MAINTAINER, pinnedImage, type Target } from '../recipe/schema.ts';

/** Options shared by several commands, as parsed by commander. */
export interface CommonOptions {
  json?: boolean;
  verbose?: boolean;
  dryRun?: boolean;
  /** Folder of the results; `plan` only reads it. */
  out?: string;
  arch?: string[];
  target?: string[];
  source?: string;
  sha256?: string;
  revision?: string;
  builder?: string;
  jobs?: string;
  verify?: boolean;
  cache?: boolean;
  /** Caches of compilations for `docker buildx build`. */
  cacheFrom?: string;
  cacheTo?: string;
  updateLock?: boolean;
  allowQuarantined?: boolean;
  mirror?: string[];
  lock?: string;
  /** Set by commands that build nothing: sources need not be pinned. */
  unpinned?: boolean;
  recipes?: string;
  refreshBase?: boolean;
  /** Where base images come from. */
  roots?: string;
  maintainer?: string;
  only?: string[];
  skip?: string[];
  reason?: string;
  accept?: string[];
  full?: boolean;
  verifyOn?: string;
  /** Path of the plan.json to perform. */
  plan?: string;
  /** Plan for one machine per architecture. */
  native?: boolean;
  /** The clouds that images are made for. */
  cloud?: string[];
  /** Size of an image's disk. */
  size?: string;
  /** Whether images have an SSH server. */
  ssh?: string;
  /** Whether images are booted. */
  boot?: boolean;
  /** Packages from elsewhere for images: `FILE@sha256:HEX` or `URL@sha256:HEX`. */
  extraPackage?: string[];
  /** Path of OpenPGP public keys. Each extra package must have a signature by one of them. */
  extraPackageKey?: string;
}

/** The name of a command-line option in the parsed options. */
export type OptionName = Exclude<keyof CommonOptions, 'unpinned'>;

/** The flags of options that were given: `updateLock` -> `--update-lock`. @param among whether to include an option */
export function givenFlags(options: CommonOptions, among: Readonly<Record<OptionName, boolean>>): string[] {
  return (Object.keys(among) as OptionName[])
    .filter((name) => among[name] && options[name] !== undefined)
    .map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
}

/** `a,b c` and repeated options -> one list. */
export function listOption(words: readonly string[] | undefined): string[] | undefined {
  const list = (words ?? []).flatMap((word) => word.split(',')).filter((word) => word !== '');
  return list.length === 0 ? undefined : [...new Set(list)];
}

/** The selection of checks by --only, --skip, --reason and --accept. */
export function selectionOption({ only, skip, reason, accept }: CommonOptions): CheckSelection {
  const list = (words: string[] | undefined) => listOption(words) ?? [];
  return { only: list(only), skip: list(skip), reason, accept: list(accept) };
}

export function architecturesOption(words: readonly string[] | undefined): Arch[] | undefined {
  return listOption(words)?.map(parseArch);
}

/** Debian's security updates are in an archive of their own. */
const DEBIAN_SECURITY = 'debian-security';

/** `--mirror URL` is Debian's, `--mirror NAME=URL` or `NAME/ARCH=URL` another archive's. */
export function mirrorOption(words: readonly string[] | undefined): {
  debian: string | undefined;
  security: string | undefined;
  named: Record<string, string>;
} {
  const named: Record<string, string> = {};
  let debian: string | undefined;
  let security: string | undefined;
  for (const word of words ?? []) {
    const [, name, address = ''] =
      /^(?:([a-z][a-z0-9.-]*(?:\/(?:arm64|x86_64))?)=)?(https?:\/\/\S+)$/.exec(word) ?? [];
    if (!URL.canParse(address)) {
      throw usageError(
        'OPTION_INVALID',
        `Invalid --mirror "${shownUrl(word)}": expected URL or NAME=URL`,
        'For example --mirror https://ADDRESS, --mirror ubuntu=https://ADDRESS, --mirror ubuntu/arm64=https://ADDRESS.',
      );
    }
    // Paths are appended to the URL.
    if (/[?#]/.test(address))
      throw usageError(
        'OPTION_INVALID',
        `Invalid --mirror "${shownUrl(address)}": the URL must not have a query or fragment`,
      );
    const mirror = address.replace(/\/+$/, '');
    if (name === undefined || name === 'debian') debian = mirror;
    else if (name === DEBIAN_SECURITY) security = mirror;
    else named[name] = mirror;
  }
  return { debian, security, named };
}

/** Names of the archives and repositories in recipes, sorted. */
export function knownMirrors(targets: readonly Target[]): string[] {
  const names = targets.flatMap(({ archive, sysroot }) => [
    ...(archive === undefined ? [] : [archive.name]),
    ...(sysroot?.repositories ?? []).map(({ mirror }) => mirror),
  ]);
  return [...new Set(['debian', DEBIAN_SECURITY, ...names])].sort();
}

/** Requires that a recipe uses each archive or repository named by --mirror. @throws OPTION_INVALID */
export function requireKnownMirrors(
  named: Readonly<Record<string, string>>,
  targets: readonly Target[],
): void {
  const known = knownMirrors(targets);
  const unknown = Object.keys(named).find((name) => !known.includes(name.replace(/\/.*$/, '')));
  if (unknown === undefined) return;
  throw usageError(
    'OPTION_INVALID',
    `Unknown archive "${unknown}" in --mirror: no recipe uses it`,
    `Known: ${known.join(', ')}.`,
  );
}

/** A valid maintainer, or a usage error. */
export function maintainerOption(word: string | undefined): string | undefined {
  if (word === undefined || MAINTAINER.test(word)) return word;
  throw usageError(
    'OPTION_INVALID',
    'Invalid --maintainer: expected Name <address@host>',
    'Invisible characters, % and further <, > or @ are not allowed.',
  );
}

/** A whole number of at least one, or a usage error. */
export function countOption(name: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const count = Number(word);
  if (Number.isInteger(count) && count >= 1) return count;
  throw usageError('OPTION_INVALID', `Invalid --${name} "${word}": expected a whole number of at least 1`);
}

/** Number of packages built in parallel: one per processor, because each compilation uses one, but at most four. */
export function defaultJobs(): number {
  return Math.max(1, Math.min(4, cpus().length));
}

/** A valid image for --verify-on, or a usage error. */
export function imageOption(word: string | undefined): string | undefined {
  if (word === undefined || pinnedImage.safeParse(word).success) return word;
  throw usageError(
    'OPTION_INVALID',
    `Invalid --verify-on "${word}": expected an image pinned by digest`,
    'For example almalinux:9@sha256:…; `docker buildx imagetools inspect IMAGE` prints the digest.',
  );
}
