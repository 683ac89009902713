import { abuseChecks } from './abuse-checks.ts';
import { answerChecks } from './answer-checks.ts';
import { capacityChecks } from './capacity-checks.ts';
import type { Check } from './check.ts';
import { metricsChecks } from './metrics-checks.ts';
import { networkChecks } from './network-checks.ts';

/** The checks of every package that judge facts from the laboratory, in the order of the report. */
export const labChecks: readonly Check[] = [
  ...networkChecks,
  ...answerChecks,
  ...abuseChecks,
  ...capacityChecks,
  ...metricsChecks,
];
