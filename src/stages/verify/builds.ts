import type { Runs } from '../../checks/needs.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { workPath } from '../shared/artifacts.ts';
import type { DockerBuild } from '../shared/buildx.ts';
import type { CommandContext, Found } from '../shared/context.ts';
import { isBuiltHere, sanitizes } from './package.ts';

/** The inputs of a verification's Docker stages. */
export interface Verification {
  step: PlannedStep;
  context: Pick<CommandContext, 'dir' | 'attempt' | 'sharedNetwork'>;
  runs: Runs;
  found: Found;
}

/** Dockerfile stages that --no-cache rebuilds, for `use` and for `laboratory`. */
const FRESH_ROOTS = [
  'certificate',
  'repackager',
  'rpm-root',
  'rpm-variants',
  'installed-root',
  'native-tools-deb',
  'native-tools-rpm',
  'verify-root-rpm-given',
  ...['prepared', 'used', 'replaceable', 'run'].flatMap((part) =>
    ['own', 'native-deb', 'native-rpm'].map((tools) => `verify-${part}-${tools}`),
  ),
  'tree-tools',
  'verify-trees',
];
const FRESH_LABORATORIES = [
  'lab-tools',
  'lab-target-deb-own',
  'lab-target-deb-native',
  'lab-rpm-made',
  'lab-rpm-installed',
  'lab-target-rpm-given',
];

/** The folders of inputs and of observations. */
export const inputsOf = ({ step, context }: Pick<Verification, 'step' | 'context'>) =>
  `${workPath(context, step)}/inputs`;
export const seenBy = ({ step, context }: Pick<Verification, 'step' | 'context'>, dockerStage: string) =>
  `${workPath(context, step)}/out/${dockerStage}`;

function inspection(verification: Verification): DockerBuild {
  const dockerStage = 'inspect';
  return {
    dockerStage,
    inputs: inputsOf(verification),
    output: seenBy(verification, dockerStage),
    fresh: ['inspection-tools', 'inspector', 'inspect-run'],
    fromPackage: true,
  };
}

/** Installs the package in a root of its target and uses its programs. */
function use(verification: Verification): DockerBuild {
  const dockerStage = 'verify';
  const { context, runs } = verification;
  const args = {
    ...rootArgs(verification),
    ATTEMPT: context.attempt,
    PHASES: runs.phases.join(' '),
    // Verifications take turns if containers share a network.
    ...(context.sharedNetwork ? { NETWORK: 'shared' } : {}),
  };
  return {
    dockerStage,
    inputs: inputsOf(verification),
    output: seenBy(verification, dockerStage),
    args,
    fresh: FRESH_ROOTS,
    inTarget: true,
    fromPackage: true,
  };
}

/** Compiles turnserver with AddressSanitizer, from the package's sources and with its toolchain. */
function sanitize({ step, context, found }: Verification): DockerBuild {
  const work = workPath(context, step);
  const args = { ARCHIVE_STATE: found.archive, ...found.repositories };
  return { dockerStage: 'sanitize', inputs: `${work}/sources`, output: `${work}/sanitized`, args };
}

/** The builds to run: always `inspect`, which detects the program's features; the others only if a selected check needs them. */
export function chosenBuilds(verification: Verification): {
  inspect: DockerBuild;
  use: DockerBuild | undefined;
  sanitize: DockerBuild | undefined;
  /** Whether the laboratory runs. */
  lab: boolean;
} {
  const { step, runs } = verification;
  return {
    inspect: inspection(verification),
    use: runs.phases.length > 0 ? use(verification) : undefined,
    sanitize: runs.scenarios.includes('sanitized') && sanitizes(step) ? sanitize(verification) : undefined,
    lab: runs.scenarios.length > 0,
  };
}

/** The image of the laboratory: the package, installed in a root of its target. */
export function laboratory(verification: Verification, image: string): DockerBuild {
  return {
    dockerStage: 'lab',
    inputs: inputsOf(verification),
    output: '',
    image,
    args: rootArgs(verification),
    fresh: FRESH_LABORATORIES,
    inTarget: true,
  };
}

/** Build arguments for a root that dnf fills from the distribution's repositories; none for other roots. */
function rootArgs({ step, found }: Verification): Record<string, string> {
  if (step.rpmRoot !== 'installed') return {};
  return { ...found.repositories, ARCHIVE_STATE: isBuiltHere(step) ? found.archive : '' };
}
