import { TurnbuildError } from '../../errors.ts';
import type { LabFacts, LabScale, LabSettings, Site } from '../../lab/facts.ts';
import type { Command } from '../../plan/command.ts';
import { targetOfStep } from '../../plan/index.ts';
import {
  copyFromLabCommand,
  copyToLabCommand,
  createLabCommand,
  LAB_PATHS,
  type LabContainer,
  removeLabCommands,
  startLabCommand,
} from '../../plan/lab.ts';
import { type Format, packageLayout } from '../../plan/layout.ts';
import { platformOf } from '../../plan/platforms.ts';
import { workPath } from '../shared/artifacts.ts';
import { dockerCommand, MAX_FACTS, runBuildx } from '../shared/buildx.ts';
import type { CommandContext, StageContext } from '../shared/context.ts';
import { removeAbandoned, removeLab, required, startLab } from '../shared/lab-container.ts';
import { laboratory, seenBy, type Verification } from './builds.ts';

/** Properties of the turnserver under test. */
export interface Tried {
  /** Its long options. */
  options: ReadonlySet<string>;
  /** It drains on SIGUSR1. */
  drains: boolean;
  /** It reloads its certificate on SIGUSR2. */
  reloads: boolean;
  /** Path of the same turnserver with AddressSanitizer, if there is one. */
  sanitized: string | undefined;
}

/** The container and its image, which have the same name. */
function containerOf({ step }: Verification, { engine, attempt }: CommandContext): LabContainer {
  const name = `turnbuild-lab-${step.target}-${step.arch.replace('_', '-')}-${attempt.slice(0, 8)}`;
  return { name, engine };
}

/** The laboratory's commands, by purpose. */
function commandsFor(verification: Verification, context: CommandContext) {
  const { step } = verification;
  const lab = containerOf(verification, context);
  const settings = settingsOf(verification);
  return {
    create: createLabCommand(lab, context.io.leftovers.owner(), platformOf(step.arch).emulation),
    fill: [
      copyToLabCommand(lab, `${settings}/.`, LAB_PATHS.inputs),
      copyToLabCommand(lab, context.labProgram, LAB_PATHS.program),
    ],
    start: startLabCommand(lab),
    fetch: copyFromLabCommand(lab, `${LAB_PATHS.results}/.`, seenBy(verification, 'lab')),
    remove: removeLabCommands(lab),
  };
}

/** The folder that is copied into the container. */
const settingsOf = ({ step, context }: Verification) => `${workPath(context, step)}/lab`;

/** Every command of the laboratory, in order. */
export function labCommands(verification: Verification, context: CommandContext): Command[] {
  const image = laboratory(verification, containerOf(verification, context).name);
  const { create, fill, start, fetch, remove } = commandsFor(verification, context);
  return [dockerCommand(verification.step, context, image), create, ...fill, start, fetch, ...remove];
}

/**
 * Installs a package in a root of its target and uses it across network namespaces.
 * @throws LAB_UNAVAILABLE if no container can be started, LAB_NO_NAMESPACES if it cannot create namespaces, LAB_FILES_LIMITED, LAB_FAILED
 */
export async function runLab(verification: Verification, context: StageContext, tried: Tried): Promise<void> {
  const { step, runs } = verification;
  const { io } = context;
  await removeAbandoned(context);
  const { create, fill, start: run, fetch } = commandsFor(verification, context);
  try {
    await runBuildx(step, context, laboratory(verification, containerOf(verification, context).name));
    const settings = settingsOf(verification);
    const told: LabSettings = {
      options: [...tried.options],
      emulated: context.plan.compilesOn[step.arch] !== step.arch,
      drains: tried.drains,
      reloads: tried.reloads,
      sanitized: tried.sanitized !== undefined,
      scenarios: [...runs.scenarios],
      scale: context.full ? FULL_SCALE : SCALE,
      site: siteOf(targetOfStep(context.plan, step).format),
    };
    await io.files.writeText(`${settings}/lab.json`, JSON.stringify(told));
    if (tried.sanitized !== undefined) await io.files.moveInto(tried.sanitized, `${settings}/turnserver`);
    for (const command of [create, ...fill]) await required(step, context, command, unavailable(command));
    await startLab(step, context, run, { ...UNJUDGED, unavailable: unavailable(run) });
    const seen = seenBy(verification, 'lab');
    await io.files.makeFolder(seen);
    await required(step, context, fetch, unavailable(fetch));
    await io.files.requirePlainFiles(seen, MAX_FACTS);
  } finally {
    await removeLab(context, containerOf(verification, context));
  }
}

function siteOf(format: Format): Site {
  const { user, configurationDir, stateDir } = packageLayout(format);
  return { user, configuration: `${configurationDir}/turnserver.conf`, stateDir };
}

/** Enough to detect each fault, in seconds on native hardware. */
const SCALE: LabScale = { hostilePackets: 20_000, ports: 500, evenPortCycles: 2_000, scrapes: 10_000 };
/** All ports of a machine, and hours of traffic from a hostile internet. */
const FULL_SCALE: LabScale = { ...SCALE, hostilePackets: 1_000_000, ports: 16_383, evenPortCycles: 10_000 };
/** Text of lab.json -> facts. */
export function parseLabFacts(text: string): LabFacts {
  return JSON.parse(text) as LabFacts;
}

const UNJUDGED = {
  code: 'LAB_FAILED',
  hint: "This is not a verdict on the package. The step's log has the complete output. The laboratory requires IPv6 in the engine's kernel.",
};

const unavailable = (command: Command) => (stderr: string) =>
  new TurnbuildError(
    'LAB_UNAVAILABLE',
    `Cannot start a container for the verification (docker ${command.args.join(' ')}): ${stderr}`,
    {
      hint: 'Verification needs a local Docker engine that grants containers NET_ADMIN and SYS_ADMIN, even with a remote --builder. --no-verify builds without verifying.',
    },
  );
