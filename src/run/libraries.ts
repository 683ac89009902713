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
import { mirrorUnknown } from '../sources/errors.ts';
import type { Session } from './session.ts';

/** The lines of `linked.txt` of all builds, from the manifest. */
export function linkedLines(steps: Manifest['steps']): string[] {
  return steps.flatMap(({ facts }) => {
    const lines = facts?.linked;
    return Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [];
  });
}

/** Looks up the archive's current versions of the statically linked libraries. */
export async function librariesNow(session: Session, steps: Manifest['steps']): Promise<SourceState[]> {
  return sourcesNow(session, linkedLibraries(linkedLines(steps)));
}

/** Looks up the archive's current versions of source packages. @throws MIRROR_UNKNOWN, and the errors of `findSourceVersions` */
export async function sourcesNow(
  { mirrors, cache, io }: Session,
  used: readonly UsedSource[],
): Promise<SourceState[]> {
  if (used.length === 0) return [];
  if (mirrors.debian === undefined) throw mirrorUnknown();
  const offered: OfferedVersion[] = [];
  for (const release of new Set(used.map(({ suite }) => suite))) {
    const names = used.filter(({ suite }) => suite === release).map((each) => each.package);
    for (const { mirror, suite } of archiveSuites(release, mirrors)) {
      const query = { mirror, suites: [suite], exec: runProcess, cacheDir: join(cache, 'archive') };
      const { signal, lockFolder } = io;
      offered.push(...(await findSourceVersions({ ...query, packages: names, signal, lockFolder })));
    }
  }
  return used.map((each) => sourceState(each, offered));
}
