import { TurnbuildError } from '../../errors.ts';
import type { Artifact } from '../../manifest/schema.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { InputsContext, StageContext } from './context.ts';

/** Describes finished files for the manifest. @throws STAGE_EMPTY if there are none */
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

/** A path in the release's folder `work`, whose files are not published. */
function beneath(dir: string, ...parts: string[]): string {
  return [dir, 'work', ...parts].join('/');
}

/** A step's work folder. It is inside the release's folder, so that results can be moved instead of copied. */
export function workPath({ dir }: { dir: string }, step: PlannedStep): string {
  return beneath(dir, 'tmp', step.id.replaceAll(':', '-'));
}

/** The folder with the build stage's outputs for a package. */
export function buildFolder(step: PlannedStep, { dir }: { dir: string }): string {
  return beneath(dir, 'build', `${step.target}-${step.arch}`);
}

/** The path of the normalised sources. */
export function sourceFile({ dir, plan }: Pick<InputsContext, 'dir' | 'plan'>): string {
  return beneath(dir, 'source', `coturn-${plan.coturn.version}.tar`);
}

/** The path of a package from elsewhere that images contain. */
export function extraPackageFile({ dir }: { dir: string }, sha256: string): string {
  return beneath(dir, 'packages', `${sha256}.deb`);
}

/** Creates an empty work folder for a step. */
export async function workFolder(context: StageContext, step: PlannedStep): Promise<string> {
  const dir = workPath(context, step);
  await context.io.files.remove(dir);
  await context.io.files.makeFolder(dir);
  return dir;
}

/** A program's features: the names with `yes` in features.txt, which has lines `NAME yes` or `NAME no`. */
export function featuresIn(text: string): Set<string> {
  const names = text
    .split('\n')
    .flatMap((line) => (line.endsWith(' yes') ? [line.slice(0, -' yes'.length)] : []));
  return new Set(names);
}

/** The names in a list exported by the build (options.txt, metrics.txt): the first word of each line. */
export function firstWords(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '');
}
