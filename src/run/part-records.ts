import type { Check } from '../checks/check.ts';
import { kindOfPackageFile } from '../manifest/package-kinds.ts';
import type { Artifact, CheckResult, Manifest, ManifestStep } from '../manifest/schema.ts';
import { isMadeFrom, judges, traitsOf } from '../manifest/stages.ts';
import { skippedBecause } from '../plan/check-selection.ts';
import type { PlanDocument } from '../plan/document.ts';

type PlannedStep = PlanDocument['steps'][number];

/**
 * Finds records that turnbuild would not have written for the steps of a plan. Does not verify the checks' observations, which would require
 * running the checks again.
 * @param checks the checks of this turnbuild
 */
export function wrongRecords(
  { steps }: Manifest,
  plan: PlanDocument,
  checks: readonly Check[],
): { id: string; what: string }[] {
  return steps.flatMap((step) => {
    const planned = plan.steps.find(({ id }) => id === step.id);
    if (planned === undefined) return [];
    const complaints = [
      ...otherStep(step, planned),
      ...missingInputs(step, { planned, steps }),
      ...wrongOutputs(step, planned),
      ...wrongVerdicts(step, plan, checks),
    ];
    return complaints.map((what) => ({ id: step.id, what }));
  });
}

function otherStep(step: ManifestStep, { stage, target, arch }: PlannedStep): string[] {
  const same = step.stage === stage && step.target === target && step.arch === arch;
  return same ? [] : ['belongs to another stage or package'];
}

/** All outputs of the steps that it is made from must be inputs. Otherwise a verdict could apply to other files. */
function missingInputs(
  step: ManifestStep,
  { planned, steps }: { planned: PlannedStep; steps: readonly ManifestStep[] },
): string[] {
  const made = steps
    .filter(({ id, stage }) => planned.needs.includes(id) && isMadeFrom(step.stage, stage))
    .flatMap(({ outputs }) => outputs);
  const [missing] = made.filter(({ path }) => !step.inputs.some((input) => input.path === path));
  return missing === undefined ? [] : [`was not built from ${missing.path}`];
}

function wrongOutputs({ status, outputs }: ManifestStep, planned: PlannedStep): string[] {
  const isIn = (path: string, output: string) => path === output || path.startsWith(`${output}/`);
  const missing = planned.outputs.filter((output) => !outputs.some(({ path }) => isIn(path, output)));
  const misnamed = outputs.filter(({ path, kind }) => kind !== kindOf(planned, path));
  return [
    ...(status === 'done' ? missing.map((path) => `did not produce ${path}`) : []),
    ...misnamed.map(({ path, kind }) => `records ${path} with the wrong kind (${kind})`),
  ];
}

function kindOf({ stage }: PlannedStep, path: string): Artifact['kind'] {
  const { makes } = traitsOf(stage);
  if (makes === 'packages') return kindOfPackageFile(path);
  return makes === 'programs' ? 'build' : 'verify';
}

function wrongVerdicts(step: ManifestStep, plan: PlanDocument, checks: readonly Check[]): string[] {
  const found = step.checks ?? [];
  if (!judges(step.stage)) return found.length === 0 ? [] : ['has verdicts, but is not a verify step'];
  // The step failed before its checks were judged.
  if (step.checks === undefined && step.status === 'failed') return [];
  const target = plan.targets.find(({ name }) => name === step.target);
  const due = checks.filter(({ applies }) => target !== undefined && (applies?.(target) ?? true));
  const bad = found.filter(({ status }) => status === 'failed' || status === 'blocked');
  return [
    ...found
      .filter(({ id }) => !due.some((check) => check.id === id))
      .map(({ id }) => `names the unknown check ${id}`),
    ...due.flatMap((check) =>
      wrongVerdict(
        check,
        found.filter(({ id }) => id === check.id),
        plan,
      ),
    ),
    ...(step.status === 'done' ? bad.map(({ id, status }) => `is done, although ${id} has ${status}`) : []),
  ];
}

function wrongVerdict(check: Check, found: readonly CheckResult[], { choices }: PlanDocument): string[] {
  const [verdict, second] = found;
  const { id, title, reason, reference } = check;
  if (verdict === undefined) return [`has no verdict for ${id}`];
  if (second !== undefined) return [`has more than one verdict for ${id}`];
  if (verdict.title !== title || verdict.reason !== reason || verdict.reference !== reference)
    return [`describes ${id} differently`];
  const chosen = skippedBecause(id, choices.selection) === undefined;
  if (chosen !== (verdict.status !== 'deselected'))
    return [chosen ? `deselected ${id}, which the plan selects` : `ran ${id}, which the plan deselects`];
  const { advisories = [], status } = verdict;
  const accepted =
    advisories.length > 0 && advisories.every((each) => choices.selection.accept.includes(each));
  return status === 'accepted' && !accepted ? [`accepted ${id}, which the plan does not accept`] : [];
}
