import { createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import * as files from '../io/files.ts';
import { printable, printableText } from '../ui/format.ts';
import type { Session } from './session.ts';

/**
 * Does some work that prints lines: into a log file, which replaces the old one only if there were any; to the live
 * display (`show`); and with --verbose to the terminal.
 */
export async function withLog<T>(
  session: Session,
  { path, id, show }: { path: string; id: string; show: (text: string) => void },
  work: (onLine: (line: string) => void) => Promise<T>,
): Promise<T> {
  await files.makeFolder(dirname(path));
  // What a killed run has left, or a link that somebody has put there, is replaced and not written to.
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
    if (failure !== undefined) await files.diskErrors(Promise.reject(failure));
    // What was up to date has printed nothing: its old log stays.
    if (lines > 0) await files.moveInto(`${path}.tmp`, path);
    else await files.remove(`${path}.tmp`);
  }
}
