import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { runProcess } from '../io/exec.ts';
import { type DebianSource, findDebianSource } from './debian-archive.ts';
import { isAbsent } from './debian-index.ts';
import { mirrorUnknown, versionNotFound } from './errors.ts';
import { cachedSource, type SourceCandidate } from './fetch.ts';
import type { SourceLock } from './lock.ts';
import type { SourceContext } from './options.ts';

/** Debian releases to search, newest last. */
const RELEASES = ['bookworm', 'trixie'];
/** Searched only for versions that no release has, so `latest` never selects a version from it. */
const UNSTABLE = 'sid';

type Select = (versions: readonly string[]) => string | undefined;

/** Debian's tarball for a request, from the cache if the lock file pins it. */
export async function debianCandidate(
  context: SourceContext,
  request: string,
  lock: SourceLock,
  select: Select,
): Promise<SourceCandidate> {
  const pinned = lock.sources[request]?.sha256s.debian;
  // The location must not depend on the cache: it is part of the plan, whose digest is compared between machines.
  const base = { provider: 'debian' as const, location: 'Debian archive' };
  // If the pinned tarball is in the cache, the archive is not needed.
  if (
    pinned !== undefined &&
    context.options.updateLock !== true &&
    (await context.io.files.isIntact(cachedSource(context.cache, pinned), pinned))
  ) {
    return { ...base, version: request, path: cachedSource(context.cache, pinned), sha256: pinned };
  }
  const { debian } = context.mirrors;
  if (debian === undefined) throw mirrorUnknown();
  const chosen = await findInSuites(request, select, (suites) =>
    findDebianSource({
      mirror: debian,
      suites,
      package: 'coturn',
      exec: runProcess,
      cacheDir: join(context.cache, 'archive'),
      signal: context.io.signal,
      lockFolder: context.io.lockFolder,
    }),
  );
  return {
    ...base,
    version: chosen.version,
    url: chosen.url,
    sha256: chosen.sha256,
  };
}

/** The versions in Debian's releases. */
export async function debianVersions({ mirrors, cache, io }: SourceContext): Promise<string[]> {
  const { debian } = mirrors;
  if (debian === undefined) throw mirrorUnknown();
  const query = { mirror: debian, suites: RELEASES, package: 'coturn', exec: runProcess };
  const { signal, lockFolder } = io;
  const found = await findDebianSource({ ...query, cacheDir: join(cache, 'archive'), signal, lockFolder });
  return found.map(({ version }) => version);
}

/** Searches the releases, then unstable. Exported for its test. */
export async function findInSuites(
  request: string,
  select: Select,
  ask: (suites: readonly string[]) => Promise<DebianSource[]>,
): Promise<DebianSource> {
  const choose = (found: readonly DebianSource[]) => {
    const version = select(found.map((each) => each.version));
    return found.find((each) => each.version === version);
  };
  const released = await ask(RELEASES);
  const first = choose(released);
  if (first !== undefined) return first;
  let remark = '';
  const unstable = await ask([UNSTABLE]).catch((error: unknown) => {
    if (!(error instanceof TurnbuildError) || error.code === 'INTERRUPTED') throw error;
    // A mirror may lack unstable. Any other failure is reported.
    if (!isAbsent(error)) remark = ` Its unstable suite could not be read: ${error.message}`;
    return [];
  });
  const second = choose(unstable);
  if (second !== undefined) return second;
  const versions = [...released, ...unstable].map((each) => each.version);
  throw versionNotFound(request, 'the Debian archive', versions, remark);
}
