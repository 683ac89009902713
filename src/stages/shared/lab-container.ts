import { TurnbuildError } from '../../errors.ts';
import type { Command } from '../../plan/command.ts';
import {
  type LabContainer,
  labImageOwnerCommand,
  listLabImagesCommand,
  listLabsCommand,
  removeLabCommands,
} from '../../plan/lab.ts';
import type { PlannedStep } from '../../plan/types.ts';
import { buildError } from './build-error.ts';
import type { StageContext } from './context.ts';
import { diskFull } from './machine-error.ts';
import { runCommand } from './run-command.ts';

/** Last lines of a container's output that go into an error. */
const TAIL_LINES = 15;

/** Begin of the engine's errors. */
const DAEMON = 'Error response from daemon:';
/** Names of disks in messages. */
const ENGINE_DISK = 'the disk of the Docker engine';
const OWN_DISK = "this machine's disk";

/**
 * Runs a command of a laboratory that must succeed.
 * @param error made of what the command printed on standard error
 * @throws DISK_FULL, or that error
 */
export async function required(
  { id }: Pick<PlannedStep, 'id'>,
  context: StageContext,
  command: Command,
  error: (stderr: string) => TurnbuildError,
): Promise<void> {
  const { code, stderr } = await runCommand(context, command);
  if (code === 0) return;
  // `docker cp` writes the results on this machine.
  const disk = stderr.includes(DAEMON) ? ENGINE_DISK : OWN_DISK;
  throw diskFull(id, stderr.split('\n'), disk) ?? error(stderr.trim());
}

/**
 * Starts a laboratory's container and waits until it ends.
 * @param unjudged code and hint of the error if the laboratory itself failed, which is not a verdict; and the error of an engine that cannot
 *   start such a container
 * @throws DISK_FULL, the error that the laboratory reports, or one of these
 */
export async function startLab(
  step: PlannedStep,
  context: StageContext,
  command: Command,
  unjudged: { code: string; hint: string; unavailable: (stderr: string) => TurnbuildError },
): Promise<void> {
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    context.onLine(line);
  };
  const { code } = await runCommand(context, command, { onLine, signal: context.io.signal });
  if (code === 0) return;
  if (lines.some((line) => line.includes('turnbuild-error:'))) throw buildError(step.id, lines);
  const full = diskFull(step.id, lines, ENGINE_DISK);
  if (full !== undefined) throw full;
  const refusal = lines.find((line) => line.startsWith(DAEMON));
  if (refusal !== undefined) throw unjudged.unavailable(refusal);
  const tail = lines.slice(-TAIL_LINES).join('\n');
  throw new TurnbuildError(
    unjudged.code,
    `${step.id}: the laboratory failed with exit code ${code}\n${tail}`,
    { hint: unjudged.hint },
  );
}

/** Removes a laboratory's container and image. Takes no signal: this must also run after Ctrl-C. */
export async function removeLab(context: StageContext, container: LabContainer): Promise<void> {
  for (const command of removeLabCommands(container)) await runCommand(context, command, {});
}

/** Removes containers and images of killed processes. */
export async function removeAbandoned({ io, engine }: StageContext): Promise<void> {
  const linesOf = async (command: Command) =>
    (await io.exec(command)).stdout.split('\n').filter((line) => line !== '');
  const marks = await linesOf(listLabsCommand(engine));
  // An image that has no container yet, or no more.
  for (const name of new Set(await linesOf(listLabImagesCommand(engine))))
    marks.push(...(await linesOf(labImageOwnerCommand(engine, name))));
  const abandoned = marks.flatMap((line) => {
    const [name, owner] = line.split(' ');
    return name !== undefined && owner !== undefined && io.leftovers.isAbandoned(owner) ? [name] : [];
  });
  for (const name of new Set(abandoned))
    for (const command of removeLabCommands({ name, engine })) await io.exec(command);
}
