import type { PlannedStep } from '../../plan/types.ts';
import { buildFolder, featuresIn, firstWords } from '../shared/artifacts.ts';
import type { StageContext } from '../shared/context.ts';

/** Whether the package was built by this release, and not given as a file: then its source is known as well. */
export function isBuiltHere(step: PlannedStep): boolean {
  return step.needs.some((need) => need.startsWith('build:'));
}

/** Whether a turnserver with AddressSanitizer goes into the laboratory as well. */
export function sanitizes(step: PlannedStep): boolean {
  return step.dockerStages.includes('sanitize');
}

/** Long options of the very turnserver: of its source where that is known, else of the program. */
export async function optionsOf(
  step: PlannedStep,
  context: StageContext,
  inspect: string,
): Promise<Set<string>> {
  const file = `${isBuiltHere(step) ? buildFolder(step, context) : inspect}/options.txt`;
  return new Set(firstWords(await context.io.files.readText(file)));
}

/** What the program itself, whoever has built it, can do: `drain` on SIGUSR1, `microhttpd`. */
export async function programFeatures({ io }: StageContext, inspect: string): Promise<Set<string>> {
  return featuresIn(await io.files.readText(`${inspect}/features.txt`));
}
