import { TurnbuildError } from '../errors.ts';
import type { Manifest } from '../manifest/schema.ts';
import { compiles, type StageName } from '../manifest/stages.ts';
import { librariesNow, linkedLines } from './libraries.ts';
import { countOption } from './options.ts';
import type { Session } from './session.ts';

/** The package revision to build, and the build steps to repeat for it. */
export interface Revision {
  revision: number;
  /** Ids of build steps. */
  rebuild: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * The revision given by --revision, by default the recipe's. `auto` keeps the revision of the existing packages. If a statically linked
 * library is outdated, it selects the next revision, and the packages with that library are recompiled.
 * @param made manifest of the existing release, if any
 */
export async function chooseRevision(session: Session, made: Manifest | undefined): Promise<Revision> {
  const { options, recipes, output } = session;
  if (options.revision !== 'auto') {
    return { revision: countOption('revision', options.revision) ?? recipes.release.revision, rebuild: NONE };
  }
  if (made === undefined) return { revision: recipes.release.revision, rebuild: NONE };
  const { coturn, steps } = made;
  const outdated = (await librariesNow(session, made)).filter((library) => library.outdated);
  if (outdated.length === 0) {
    output.line(`keeping revision ${coturn.revision}: all statically linked libraries are up to date`);
    return { revision: coturn.revision, rebuild: NONE };
  }
  const lines = outdated.map((library) => `${library.package} ${library.version} ${library.suite}`);
  const due = steps.filter((step) =>
    linkedLines([step]).some((line) => lines.includes(line.split(' ').slice(0, 3).join(' '))),
  );
  const changes = outdated.map((library) => `${library.package} ${library.newest}`);
  output.line(`revision ${coturn.revision + 1}, for ${changes.join(', ')}`);
  return { revision: coturn.revision + 1, rebuild: new Set(due.map(({ id }) => id)) };
}

/**
 * `--revision auto` gives recompiled packages the next revision. A command that does not compile would give that revision to old programs.
 * @throws STEP_STALE
 */
export function requireRebuilt(rebuild: ReadonlySet<string>, stages: readonly StageName[]): void {
  if (rebuild.size === 0 || stages.some(compiles)) return;
  throw new TurnbuildError('STEP_STALE', `${[...rebuild].join(', ')}: compiled with outdated libraries`, {
    hint: 'Run `turnbuild release --revision auto`, or `turnbuild build --revision auto` first.',
  });
}

/** A provisional revision, to validate options before anything is queried. */
export function assumedRevision({ options, recipes }: Session): number {
  if (options.revision === 'auto') return recipes.release.revision;
  return countOption('revision', options.revision) ?? recipes.release.revision;
}
