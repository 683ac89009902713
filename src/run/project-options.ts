import { resolve } from 'node:path';
import { parseSource } from '../sources/options.ts';
import type { CommonOptions } from './options.ts';
import { findProject, type Project, readProject } from './project.ts';

/** What of a project's settings has a meaning: everything, or only where things are (for a plan or a package that is given). */
export type ProjectUse = 'release' | 'places';

/**
 * Options as a project settles them where the command line does not.
 * @returns also the version that the project releases; not with a `--source` that is one version by itself
 */
export function withProject(
  options: CommonOptions,
  project: Project | undefined,
  uses: ProjectUse,
): { options: CommonOptions; coturn: string | undefined } {
  if (project === undefined) return { options, coturn: undefined };
  const { settings, dir } = project;
  const mirror = [
    ...Object.entries(settings.mirrors ?? {}).map(([name, address]) => `${name}=${address}`),
    // A later address of the same name replaces an earlier one.
    ...(options.mirror ?? []),
  ];
  const places = {
    out: outOf(project),
    ...defined(options),
    ...(mirror.length === 0 ? {} : { mirror }),
  };
  if (uses === 'places') return { options: places, coturn: undefined };
  const own = defined({
    source: settings.source === undefined ? undefined : sourceOf(settings.source, dir),
    target: settings.targets,
    arch: settings.architectures,
    revision: settings.revision === undefined ? undefined : String(settings.revision),
    maintainer: settings.maintainer,
    accept: settings.accept,
  });
  const isOne = options.source !== undefined && !['github', 'debian'].includes(options.source);
  return {
    options: { ...own, ...places },
    coturn: isOne ? undefined : settings.coturn,
  };
}

/** Where the results of the working directory's project go; undefined without a project. */
export async function projectOut(): Promise<string | undefined> {
  const file = await findProject();
  return file === undefined ? undefined : outOf(await readProject(file));
}

const outOf = ({ settings, dir }: Project) => resolve(dir, settings.out ?? 'dist');

/** A path is relative to the project's file. */
function sourceOf(word: string, dir: string): string {
  const { provider, location } = parseSource(word);
  return provider === 'file' ? resolve(dir, location) : location;
}

/** Without the members that are undefined. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
