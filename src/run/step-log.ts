import { createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import * as files from '../io/files.ts';
import { printable, printableText } from '../ui/format.ts';
import type { Session } from './session.ts';

/**
 * Does work that prints lines. Writes the lines to a log file, to the live display (`show`), and with --verbose to the terminal. Without any
 * lines, the old log is kept.
 */
export async function withLog<T>(
  session: Session,
  { path, id, show }: { path: string; id: string; show: (text: string) => void },
  work: (onLine: (line: string) => void) => Promise<T>,
): Promise<T> {
  await files.makeFolder(dirname(path));
  // Never write to the leftover of a killed run or to a planted link.
  await files.remove(`${path}.tmp`);
  const log = createWriteStream(`${path}.tmp`, { flags: 'wx' });
  let lines = 0;
  let failure: Error | undefined;
  log.on('error', (error) => {
    failure ??= error;
  });
  try {
    return await work((line) => {
      lines += 1;
      log.write(`${printableText(line)}\n`);
      show(printable(line.replace(/^#\d+ (\d+\.\d+ )?/, '')));
      if (session.options.verbose === true) session.output.line(`  ${id} | ${line}`);
    });
  } finally {
    await new Promise((done) => log.close(done));
    // A step that is up to date prints nothing.
    if (failure === undefined && lines > 0) await files.moveInto(`${path}.tmp`, path);
    else await files.remove(`${path}.tmp`);
    if (failure !== undefined) await files.diskErrors(Promise.reject(failure));
  }
}
