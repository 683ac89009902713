import { resolve } from 'node:path';
import { isAddress } from '../io/open-store.ts';
import { parseSource } from '../sources/options.ts';
import type { CommonOptions } from './options.ts';
import { findProject, type Project, readProject } from './project.ts';

/** Which of a project's settings apply: all, or only locations (for a given plan or package file). */
export type ProjectUse = 'release' | 'places';

/**
 * Completes options with a project's settings.
 * @returns also the project's coturn version, unless `--source` is a file or address, which has its own
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
    // Later addresses replace earlier ones of the same name.
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

/** A project's repository of packages. */
export type PublishSettings = NonNullable<Project['settings']['publish']>;

/** The repository of a project; a relative path is relative to the project's file. */
export function publishOf(project: Project | undefined): PublishSettings {
  const { publish = {} } = project?.settings ?? {};
  if (project === undefined) return publish;
  const { repo, extraKeys } = publish;
  return {
    ...publish,
    ...(repo === undefined || isAddress(repo) ? {} : { repo: resolve(project.dir, repo) }),
    ...(extraKeys === undefined ? {} : { extraKeys: resolve(project.dir, extraKeys) }),
  };
}

/** The results folder of the working directory's project; undefined without a project. */
export async function projectOut(): Promise<string | undefined> {
  const file = await findProject();
  return file === undefined ? undefined : outOf(await readProject(file));
}

const outOf = ({ settings, dir }: Project) => resolve(dir, settings.out ?? 'dist');

/** The path of a tarball is relative to the project's file. */
function sourceOf(word: string, dir: string): string {
  const { provider, location } = parseSource(word);
  return provider === 'file' ? resolve(dir, location) : location;
}

/** Removes undefined members. */
function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
