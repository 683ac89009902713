import type { CheckSelection } from '../plan/check-selection.ts';
import { targetOfStep } from '../plan/index.ts';
import type { Plan, PlannedStep } from '../plan/types.ts';
import type { Check } from './check.ts';
import { documentChecks } from './document-checks.ts';
import { elfChecks } from './elf-checks.ts';
import { labChecks } from './lab-checks.ts';
import { lifecycleChecks } from './lifecycle-checks.ts';
import { monitoringChecks } from './monitoring-checks.ts';
import { type Runs, runsFor } from './needs.ts';
import { packageChecks } from './package-checks.ts';
import { rpmChecks } from './rpm-checks.ts';
import { sanitizerChecks } from './sanitizer-checks.ts';
import { sbomChecks } from './sbom-checks.ts';
import { serviceChecks } from './service-checks.ts';
import { tarballChecks } from './tarball-checks.ts';
import { trafficChecks } from './traffic-checks.ts';
import { upgradeChecks } from './upgrade-checks.ts';

/** Every check of a package, in the order of the report. Some are for one format only. */
export const CHECKS: readonly Check[] = [
  ...elfChecks,
  ...packageChecks,
  ...documentChecks,
  ...sbomChecks,
  ...monitoringChecks,
  ...lifecycleChecks,
  ...upgradeChecks,
  ...rpmChecks,
  ...tarballChecks,
  ...trafficChecks,
  ...labChecks,
  ...sanitizerChecks,
  ...serviceChecks,
];

/** The phases and scenarios that the chosen checks of a step's package need. */
export function runsOf(
  step: PlannedStep,
  { plan, selection }: { plan: Plan; selection: CheckSelection },
): Runs {
  const target = targetOfStep(plan, step);
  return runsFor(
    CHECKS.filter(({ applies }) => applies?.(target) ?? true),
    selection,
  );
}
