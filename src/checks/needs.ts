import { SCENARIOS, type Scenario, serverOf, type TriedServer } from '../lab/facts.ts';
import { type CheckSelection, skippedBecause } from '../plan/check-selection.ts';
import type { Check } from './check.ts';

/** The phases of testing a package in a root of its target, in order: recipes/docker/verify/main.sh. */
export const PHASES = [
  'tarball',
  'install',
  'vectors',
  'shipped',
  'utilities',
  'upgrades',
  'purge',
  'distribution',
] as const;
export type Phase = (typeof PHASES)[number];

/** What must run before a check can be judged. */
export interface Needs {
  phases?: readonly Phase[];
  scenarios?: readonly Scenario[];
}

/** What must run for a set of checks. */
export interface Runs {
  phases: readonly Phase[];
  scenarios: readonly Scenario[];
}

/** The phase that another phase depends on. */
const AFTER: Partial<Record<Phase, Phase>> = {
  vectors: 'install',
  shipped: 'install',
  utilities: 'install',
  upgrades: 'install',
  purge: 'install',
  // The distribution's package replaces ours.
  distribution: 'purge',
};

/** The phases and scenarios that the chosen checks need, in execution order. */
export function runsFor(checks: readonly Check[], selection: CheckSelection): Runs {
  const needs = checks
    .filter(({ id }) => skippedBecause(id, selection) === undefined)
    .map((check) => check.needs ?? {});
  const phases = new Set(needs.flatMap((each) => each.phases ?? []).flatMap(withEarlier));
  const scenarios = new Set(needs.flatMap((each) => each.scenarios ?? []).flatMap(withServer));
  return {
    phases: PHASES.filter((phase) => phases.has(phase)),
    scenarios: ALL_SCENARIOS.filter((scenario) => scenarios.has(scenario)),
  };
}

function withEarlier(phase: Phase): Phase[] {
  const earlier = AFTER[phase];
  return earlier === undefined ? [phase] : [...withEarlier(earlier), phase];
}

/** A scenario and its server. */
export const withServer = (scenario: Scenario): Scenario[] => [
  ...new Set<Scenario>([serverOf(scenario), scenario]),
];

const ALL_SCENARIOS: readonly Scenario[] = Object.entries(SCENARIOS).flatMap(([server, list]) => [
  server as Scenario,
  ...(list as readonly Scenario[]),
]);

/** Servers that serve only well-behaved clients; `service` is a unit with its own checks. */
export const HONEST_SERVERS = (Object.keys(SCENARIOS) as TriedServer[]).filter(
  (server) => !['hostile', 'sanitized', 'service'].includes(server),
);
export const HONEST_SCENARIOS: readonly Scenario[] = ALL_SCENARIOS.filter((scenario) =>
  HONEST_SERVERS.includes(serverOf(scenario)),
);
