import { join } from 'node:path';
import { runProcess } from '../io/exec.ts';
import type { Manifest } from '../manifest/schema.ts';
import { archiveSuites } from '../plan/archives.ts';
import {
  linkedLibraries,
  type OfferedVersion,
  type SourceState,
  sourceState,
  type UsedSource,
} from '../plan/outdated.ts';
import { findSourceVersions } from '../sources/debian-archive.ts';
import { mirrorUnknown, securityMirrorUnknown } from '../sources/errors.ts';
import { withRecordedMirrors } from './image-mirrors.ts';
import type { Session } from './session.ts';

/** The lines of `linked.txt` of all builds, from the manifest. */
export function linkedLines(steps: Manifest['steps']): string[] {
  return steps.flatMap(({ facts }) => {
    const lines = facts?.linked;
    return Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [];
  });
}

/** Looks up the archive's current versions of the statically linked libraries. */
export async function librariesNow(
  session: Session,
  { steps, bases }: Pick<Manifest, 'steps' | 'bases'>,
): Promise<SourceState[]> {
  return sourcesNow(session, linkedLibraries(linkedLines(steps)), bases);
}

/**
 * Looks up the archive's current versions of source packages.
 * @param bases of their release: a machine without Debian's apt uses the mirrors of its official images
 * @throws MIRROR_UNKNOWN, and the errors of `findSourceVersions`
 */
export async function sourcesNow(
  session: Session,
  used: readonly UsedSource[],
  bases: Manifest['bases'],
): Promise<SourceState[]> {
  if (used.length === 0) return [];
  const releases = new Set(used.map(({ suite }) => suite));
  const { mirrors, cache, io } = await withRecordedMirrors(session, bases, releases);
  if (mirrors.debian === undefined) throw mirrorUnknown();
  if (mirrors.security === undefined) throw securityMirrorUnknown();
  const offered: OfferedVersion[] = [];
  for (const release of releases) {
    const names = used.filter(({ suite }) => suite === release).map((each) => each.package);
    for (const { mirror, suite } of archiveSuites(release, mirrors)) {
      const query = { mirror, suites: [suite], exec: runProcess, cacheDir: join(cache, 'archive') };
      const { signal, lockFolder } = io;
      offered.push(...(await findSourceVersions({ ...query, packages: names, signal, lockFolder })));
    }
  }
  return used.map((each) => sourceState(each, offered));
}
