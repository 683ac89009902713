import { readdirSync, readFileSync } from 'node:fs';
import type { PlanFacts } from '../../src/plan/index.ts';
import { advisoriesSchema } from '../../src/recipe/advisories.ts';
import { machineSchema } from '../../src/recipe/machine.ts';
import { parseRecipeFile } from '../../src/recipe/parse.ts';
import { compatibilitySchema, releaseSchema, type Target } from '../../src/recipe/schema.ts';
import { parseTargets } from '../../src/recipe/targets.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const targetFiles = readdirSync(new URL('../../recipes/targets', import.meta.url)).map((file) => ({
  path: file,
  text: read(`recipes/targets/${file}`),
}));
const targets = parseTargets(targetFiles);
/** The target as defined in its recipe. */
export function target(name: string): Target {
  const found = targets.find((each) => each.name === name);
  if (found === undefined) throw new Error(`unknown target ${name}`);
  return found;
}

/** The target with repositories whose URLs must come from --mirror. */
export function withoutAddresses(name: string): Target {
  const { sysroot, ...rest } = target(name);
  if (sysroot === undefined) throw new Error(`${name} has no sysroot`);
  const repositories = sysroot.repositories.map(({ address: _, ...repository }) => repository);
  return { ...rest, sysroot: { ...sysroot, repositories } };
}

/** Facts for planning a release of coturn 4.6.1 for both Debian targets and architectures, on x86_64. */
export const releaseFacts: PlanFacts = {
  coturn: { version: '4.6.1', revision: 1, epoch: 1670102496 },
  release: parseRecipeFile('release', read('recipes/release.yaml'), releaseSchema),
  knownTargets: [target('debian-12'), target('debian-13')],
  compatibility: parseRecipeFile('compatibility', read('patches/compatibility.yaml'), compatibilitySchema),
  metrics: [],
  deviations: [],
  advisories: parseRecipeFile('advisories', read('recipes/advisories.yaml'), advisoriesSchema),
  targets: ['debian-12', 'debian-13'],
  architectures: ['arm64', 'x86_64'],
  compilesOn: { arm64: 'x86_64', x86_64: 'x86_64' },
  verify: true,
  ownTools: false,
};

/** The recipe of machine images, and choices for one cloud. */
export const machine: NonNullable<PlanFacts['machine']> = {
  recipe: parseRecipeFile('machine', read('recipes/machine.yaml'), machineSchema),
  clouds: ['aws', 'gce'],
  sizeGiB: 1,
};
