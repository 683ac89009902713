import type { Exec, ExecResult } from '../../io/index.ts';
import { type Command, formatCommand } from '../../plan/command.ts';
import type { StageContext } from './context.ts';

/** Runs one of a step's commands, whose line goes into the step's log: the one that a dry run prints. */
export async function runCommand(
  { io, onLine }: Pick<StageContext, 'io' | 'onLine'>,
  command: Command,
  more: Parameters<Exec>[1] = { signal: io.signal },
): Promise<ExecResult> {
  onLine(`$ ${formatCommand(command)}`);
  return io.exec(command, more);
}
