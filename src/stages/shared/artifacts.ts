import { TurnbuildError } from '../../errors.ts';
import type { Artifact } from '../../manifest/schema.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { InputsContext, StageContext } from './context.ts';

/** Describes finished files for the manifest. Zero files is a failure: a stage that makes nothing has not worked. */
export async function describeArtifacts(
  context: StageContext,
  step: PlannedStep,
  paths: readonly string[],
  kind: (path: string) => Artifact['kind'],
): Promise<Artifact[]> {
  if (paths.length === 0) throw new TurnbuildError('STAGE_EMPTY', `${step.id} produced no files`);
  return Promise.all(
    paths.map(async (path) => ({
      path,
      kind: kind(path),
      size: await context.io.files.sizeOf(`${context.dir}/${path}`),
      sha256: await context.io.files.sha256File(`${context.dir}/${path}`),
      target: step.target,
      arch: step.arch,
    })),
  );
}

/** What is not handed on lies in one folder of the release's. */
function beneath(dir: string, ...parts: string[]): string {
  return [dir, 'work', ...parts].join('/');
}

/** Where a step works: beneath the release's folder, so that results can be moved, not copied. */
export function workPath({ dir }: { dir: string }, step: PlannedStep): string {
  return beneath(dir, 'tmp', step.id.replaceAll(':', '-'));
}

/** Where the build stage puts what it has made for a package. */
export function buildFolder(step: PlannedStep, { dir }: { dir: string }): string {
  return beneath(dir, 'build', `${step.target}-${step.arch}`);
}

/** Where the normalised sources are. */
export function sourceFile({ dir, plan }: Pick<InputsContext, 'dir' | 'plan'>): string {
  return beneath(dir, 'source', `coturn-${plan.coturn.version}.tar`);
}

/** A fresh folder for a step's work. */
export async function workFolder(context: StageContext, step: PlannedStep): Promise<string> {
  const dir = workPath(context, step);
  await context.io.files.remove(dir);
  await context.io.files.makeFolder(dir);
  return dir;
}

/** What a program can do: the names that features.txt, `NAME yes` or `NAME no` a line, has a yes for. */
export function featuresIn(text: string): Set<string> {
  const names = text
    .split('\n')
    .flatMap((line) => (line.endsWith(' yes') ? [line.slice(0, -' yes'.length)] : []));
  return new Set(names);
}

/** The names of a list that the build has exported (options.txt, metrics.txt): the first word of each line. */
export function firstWords(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '');
}
