import type { PlannedStep } from '../../plan/types.ts';
import { buildFolder, featuresIn, firstWords } from '../shared/artifacts.ts';
import type { StageContext } from '../shared/context.ts';

/** Whether this release built the package, so that its source is known. Otherwise it was given as a file. */
export function isBuiltHere(step: PlannedStep): boolean {
  return step.needs.some((need) => need.startsWith('build:'));
}

/** Whether the laboratory also tests a turnserver with AddressSanitizer. */
export function sanitizes(step: PlannedStep): boolean {
  return step.dockerStages.includes('sanitize');
}

/** The turnserver's long options, from its source if known, otherwise from the program. */
export async function optionsOf(
  step: PlannedStep,
  context: StageContext,
  inspect: string,
): Promise<Set<string>> {
  const file = `${isBuiltHere(step) ? buildFolder(step, context) : inspect}/options.txt`;
  return new Set(firstWords(await context.io.files.readText(file)));
}

/** The features detected in the program itself, so known for any package: `drain`, `reload`, `microhttpd`. */
export async function programFeatures({ io }: StageContext, inspect: string): Promise<Set<string>> {
  return featuresIn(await io.files.readText(`${inspect}/features.txt`));
}
