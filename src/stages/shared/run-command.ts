import type { Exec, ExecResult } from '../../io/index.ts';
import { type Command, formatCommand } from '../../plan/command.ts';
import type { StageContext } from './context.ts';

/** Runs one of a step's commands. Logs it as a dry run would print it. */
export async function runCommand(
  { io, onLine }: Pick<StageContext, 'io' | 'onLine'>,
  command: Command,
  more: Parameters<Exec>[1] = { signal: io.signal },
): Promise<ExecResult> {
  onLine(`$ ${formatCommand(command)}`);
  return io.exec(command, more);
}
