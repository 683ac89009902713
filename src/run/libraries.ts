import { join } from 'node:path';
import { runProcess } from '../io/exec.ts';
import type { Manifest } from '../manifest/schema.ts';
import { archiveSuites } from '../plan/archives.ts';
import { type LibraryState, libraryState, linkedLibraries, type OfferedVersion } from '../plan/outdated.ts';
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
export async function librariesNow(
  { mirrors, cache, io }: Session,
  steps: Manifest['steps'],
): Promise<LibraryState[]> {
  const linked = linkedLibraries(linkedLines(steps));
  if (linked.length === 0) return [];
  if (mirrors.debian === undefined) throw mirrorUnknown();
  const offered: OfferedVersion[] = [];
  for (const release of new Set(linked.map(({ suite }) => suite))) {
    const names = linked.filter(({ suite }) => suite === release).map((each) => each.package);
    for (const { mirror, suite } of archiveSuites(release, mirrors)) {
      const query = { mirror, suites: [suite], exec: runProcess, cacheDir: join(cache, 'archive') };
      const { signal, lockFolder } = io;
      offered.push(...(await findSourceVersions({ ...query, packages: names, signal, lockFolder })));
    }
  }
  return linked.map((library) => libraryState(library, offered));
}
