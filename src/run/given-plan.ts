import { resolve } from 'node:path';
import { TurnbuildError, usageError } from '../errors.ts';
import { readText, sha256Text } from '../io/files.ts';
import { judges, type StageName, traitsOf } from '../manifest/stages.ts';
import { type PlanDocument, parsePlan, partOf } from '../plan/document.ts';
import type { Choices } from '../plan/types.ts';
import type { BuilderFacts } from './builder.ts';
import { fetchExtraPackages, withExtra } from './extra-packages.ts';
import { machineChoices } from './machine-options.ts';
import {
  architecturesOption,
  type CommonOptions,
  givenFlags,
  listOption,
  type OptionName,
} from './options.ts';
import { planAgain, planOf } from './plan-again.ts';
import { fetchPlanned, requireLocked } from './planned-sources.ts';
import type { PlannedSourceRelease } from './planning.ts';
import { readyBuilder } from './ready-builder.ts';
import type { Session } from './session.ts';

/** Whether a plan decides an option. The others select a part of the plan, or control how this machine performs it. */
const DECIDED: Readonly<Record<OptionName, boolean>> = {
  revision: true,
  maintainer: true,
  sha256: true,
  updateLock: true,
  allowQuarantined: true,
  verifyOn: true,
  full: true,
  only: true,
  skip: true,
  reason: true,
  accept: true,
  native: true,
  roots: true,
  // A release's plan has no images; they are made of its packages.
  ...{ cloud: false, size: false, ssh: false, boot: false, extraPackage: false, extraPackageKey: false },
  ...{ arch: false, target: false, verify: false, plan: false },
  // The plan pins the sources, and the recipes must match the plan.
  ...{ source: false, mirror: false, recipes: false, lock: false },
  ...{
    builder: false,
    jobs: false,
    cache: false,
    cacheFrom: false,
    cacheTo: false,
    refreshBase: false,
    out: false,
    dryRun: false,
  },
  ...{ json: false, verbose: false },
};

/**
 * Loads a plan from another machine, or a part of it. This machine must have the same turnbuild, recipes and sources.
 * @param file plan.json
 * @throws PLAN_DIFFERS, PLAN_PART_UNKNOWN, OPTION_CONFLICT, and the errors of an invalid plan
 */
export async function planGiven(
  session: Session,
  file: string,
  {
    version,
    stages,
    perform,
  }: { version: string | undefined; stages: readonly StageName[]; perform: boolean },
): Promise<PlannedSourceRelease> {
  const { options } = session;
  requireUndecided(options, version);
  const document = parsePlan(file, await readText(file), sha256Text);
  const { coturn } = document;
  const choices = await choicesFor(session, document.choices, stages);
  const wanted =
    choices.machine === undefined ? listOption(options.target) : [session.recipes.machine.target];
  const targets = chosenOf('target', wanted, choices.targets);
  const architectures = chosenOf('architecture', architecturesOption(options.arch), choices.architectures);
  const part = { targets, architectures, stages };
  const again = await planAgain(session, file, document);
  const { plan, keys } = choices === document.choices ? again : await planOf(session, document, choices);
  await requireLocked(session, document);
  const performed = partOf(plan, part).steps.filter(({ stage }) => stages.includes(stage));
  if (performed.length === 0) {
    throw usageError(
      'PLAN_PART_UNKNOWN',
      `The plan contains no ${stages.join(' or ')} step for ${targets.join(', ')} on ${architectures.join(', ')}`,
      'List the steps with `turnbuild plan` (without --json).',
    );
  }
  const builder = await readyBuilder(session, {
    architectures,
    runs: performed.some(({ stage }) => traitsOf(stage).runsTarget),
    verifies: performed.some(({ stage }) => judges(stage)),
    perform,
  });
  requireProcessors(document, builder, architectures);
  const found = await fetchPlanned(session, document);
  return {
    source: found,
    selection: choices.selection,
    full: choices.full,
    builder,
    rebuild: new Set(),
    plan: partOf(plan, part),
    keys,
    document,
    dir: resolve(options.out ?? 'dist', coturn.version),
  };
}

/** The plan's choices, for images with those of this command. Images contain verified packages, even if the plan verifies none. */
async function choicesFor(
  session: Session,
  planned: Choices,
  stages: readonly StageName[],
): Promise<Choices> {
  if (!stages.some((stage) => traitsOf(stage).pipeline === 'image')) return planned;
  const { options, recipes } = session;
  const choices = { ...planned, verify: true, machine: machineChoices(options, recipes.machine) };
  const architectures = architecturesOption(options.arch) ?? planned.architectures;
  return withExtra(choices, await fetchExtraPackages(session, architectures));
}

function requireUndecided(options: CommonOptions, version: string | undefined): void {
  const words = [...(version === undefined ? [] : ['the version']), ...givenFlags(options, DECIDED)];
  if (words.length === 0) return;
  throw usageError(
    'OPTION_CONFLICT',
    `${words.join(', ')}: already decided by the plan given with --plan`,
    'Remove the option, or create another plan: turnbuild plan VERSION --json',
  );
}

function chosenOf<T extends string>(
  what: string,
  wanted: readonly T[] | undefined,
  planned: readonly T[],
): readonly T[] {
  const unknown = wanted?.find((name) => !planned.includes(name));
  if (unknown === undefined) return wanted ?? planned;
  throw usageError(
    'PLAN_PART_UNKNOWN',
    `The plan has no ${what} "${unknown}"`,
    `The plan contains ${planned.join(', ')}.`,
  );
}

function requireProcessors(
  { choices }: PlanDocument,
  builder: BuilderFacts,
  architectures: readonly ('arm64' | 'x86_64')[],
): void {
  for (const arch of architectures) {
    const [planned, found] = [choices.compilesOn[arch], builder.compilesOn[arch]];
    if (planned === found) continue;
    throw new TurnbuildError(
      'PLAN_DIFFERS',
      `The plan compiles for ${arch} on ${planned}, but the builder (${builder.name}) would compile on ${found}`,
      { hint: `Run this part on a machine with ${planned}, or create the plan for this machine.` },
    );
  }
}
