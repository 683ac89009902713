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

/** What is wanted of a builder. */
export interface Wanted {
  architectures: readonly Arch[];
  /** Packages will be run, which needs a builder for their architecture. */
  runs: boolean;
  /** The plan will be performed: the builder is started and must fit. Else it is asked only if it is there. */
  perform: boolean;
}

/** The builder, which has to fit if the plan will be performed. */
export async function readyBuilder(
  session: Session,
  { architectures, runs, perform }: Wanted,
): Promise<BuilderFacts> {
  const builder = await chooseBuilder(session, perform);
  if (runs && perform) {
    requirePlatforms(builder, [...architectures]);
    await requireEngine(builder, interruptible(session));
  }
  return builder;
}

/** Processes that Ctrl-C ends, in a dry run too: they only ask. */
function interruptible(session: Session): Exec {
  return (command) => runProcess(command, { signal: session.io.signal });
}

async function chooseBuilder(session: Session, perform: boolean): Promise<BuilderFacts> {
  // A plan for machines of both kinds has nothing to do with this one.
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
