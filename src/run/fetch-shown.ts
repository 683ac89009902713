import { resolveWanted } from '../sources/choice.ts';
import type { ResolvedSource } from '../sources/fetch.ts';
import type { SourceLock } from '../sources/lock.ts';
import { formatBytes } from '../ui/format.ts';
import { runTasks } from '../ui/tasks.ts';
import { ioOfTask, isPlain, type Session } from './session.ts';

/**
 * Resolves the sources. On a terminal, shows the progress of a download.
 * @param lock replaces the lock file
 */
export async function fetchShown(
  session: Session,
  version: string | undefined,
  lock?: SourceLock,
): Promise<ResolvedSource> {
  if (isPlain(session)) return resolveWanted(session, version, { lock });
  const found: ResolvedSource[] = [];
  const lines: string[] = [];
  const run = async (show: (text: string) => void) => {
    const onProgress = (received: number, total: number | undefined) =>
      show(formatBytes(received) + (total === undefined ? '' : ` of ${formatBytes(total)}`));
    // A live display controls the screen until it ends, so lines are printed afterwards.
    const output = { line: (text: string) => void lines.push(text) };
    const context = { ...session, io: ioOfTask(session, show), output };
    const source = await resolveWanted(context, version, { lock, onProgress });
    found.push(source);
    return `coturn ${source.version}`;
  };
  const [failed] = await runTasks([{ title: 'sources', tasks: [{ title: 'fetch', run }] }], {
    plain: false,
    line: session.output.line,
  });
  for (const line of lines) session.output.line(line);
  const [source] = found;
  if (source === undefined) throw failed?.error;
  return source;
}
