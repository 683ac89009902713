import { join } from 'node:path';
import { TurnbuildError } from '../errors.ts';
import { runProcess } from '../io/exec.ts';
import { type DebianSource, findDebianSource } from './debian-archive.ts';
import { isAbsent } from './debian-index.ts';
import { mirrorUnknown, versionNotFound } from './errors.ts';
import { cachedSource, type SourceCandidate } from './fetch.ts';
import type { SourceLock } from './lock.ts';
import type { SourceContext } from './options.ts';

/** Debian releases whose source index is asked, newest last. */
const RELEASES = ['bookworm', 'trixie'];
/** Asked for a version that no release has; `latest` never means what only this one has. */
const UNSTABLE = 'sid';

type Select = (versions: readonly string[]) => string | undefined;

/** The tarball of the Debian archive for a request; from the cache if the lock names its very bytes. */
export async function debianCandidate(
  context: SourceContext,
  request: string,
  lock: SourceLock,
  select: Select,
): Promise<SourceCandidate> {
  const pinned = lock.sources[request]?.sha256s.debian;
  // The same with and without a cache: it goes into the plan, whose digest is compared between machines.
  const base = { provider: 'debian' as const, location: 'Debian archive' };
  // The lock names the very bytes: with them at hand there is nothing to ask the archive.
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

/** The versions that Debian's releases have. */
export async function debianVersions({ mirrors, cache, io }: SourceContext): Promise<string[]> {
  const { debian } = mirrors;
  if (debian === undefined) throw mirrorUnknown();
  const query = { mirror: debian, suites: RELEASES, package: 'coturn', exec: runProcess };
  const { signal, lockFolder } = io;
  const found = await findDebianSource({ ...query, cacheDir: join(cache, 'archive'), signal, lockFolder });
  return found.map(({ version }) => version);
}

/** Asks the releases, and unstable for what none of them has. Exported for its test. */
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
    // A mirror of the releases alone has no such suite; anything else belongs into the answer.
    if (!isAbsent(error)) remark = ` Its unstable suite could not be read: ${error.message}`;
    return [];
  });
  const second = choose(unstable);
  if (second !== undefined) return second;
  const versions = [...released, ...unstable].map((each) => each.version);
  throw versionNotFound(request, 'the Debian archive', versions, remark);
}
