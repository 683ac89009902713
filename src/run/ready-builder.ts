import { TurnbuildError } from '../errors.ts';
import { type Exec, runProcess } from '../io/exec.ts';
import type { Arch } from '../plan/platforms.ts';
import {
  assumedBuilder,
  type BuilderFacts,
  inspectBuilder,
  requireEngine,
  requirePlatforms,
} from './builder.ts';
import type { Session } from './session.ts';

/** Requirements for a builder. */
export interface Wanted {
  architectures: readonly Arch[];
  /** Programs of the packages' architecture will be run, so the builder must support it. */
  runs: boolean;
  /** Packages or images will be verified, which also needs an engine. */
  verifies: boolean;
  /** The plan will be performed, so the builder is started and must meet the requirements. Otherwise it is optional. */
  perform: boolean;
}

/** The builder, which must meet the requirements if the plan will be performed. */
export async function readyBuilder(
  session: Session,
  { architectures, runs, verifies, perform }: Wanted,
): Promise<BuilderFacts> {
  const builder = await chooseBuilder(session, perform);
  if (runs && perform) requirePlatforms(builder, [...architectures]);
  if (verifies && perform) await requireEngine(builder, interruptible(session));
  return builder;
}

/** Runs processes that Ctrl-C terminates. Also used in dry runs, because these processes only read. */
function interruptible(session: Session): Exec {
  return (command) => runProcess(command, { signal: session.io.signal });
}

async function chooseBuilder(session: Session, perform: boolean): Promise<BuilderFacts> {
  // A plan for one machine per architecture does not depend on this machine's builder.
  if (session.options.native === true) return assumedBuilder();
  try {
    return await inspectBuilder(session.options.builder, {
      bootstrap: perform,
      exec: interruptible(session),
    });
  } catch (error) {
    const absent = [
      ...['DOCKER_MISSING', 'DOCKER_UNAVAILABLE', 'DOCKER_REFUSED', 'BUILDX_MISSING', 'BUILDER_UNSUITABLE'],
    ];
    if (perform || !(error instanceof TurnbuildError) || !absent.includes(error.code)) throw error;
    return assumedBuilder();
  }
}
