import { setMaxListeners } from 'node:events';
import { EXIT } from '../errors.ts';
import { FILE_ERRORS } from './failure.ts';

/** Aborted by Ctrl-C, by SIGTERM, and when output cannot be written. */
export const interrupt = new AbortController();
// Each running program and request listens. Node would warn of more than ten at a time. Not 0, which means the same: Node 20 then takes the
// signal for something else when fetch asks for its limit.
setMaxListeners(Number.POSITIVE_INFINITY, interrupt.signal);

/** Installs the handlers that abort `interrupt`. */
export function watchInterrupts(): void {
  process.on('SIGINT', () => {
    // A second Ctrl-C skips the cleanup.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
  // A reader that closes the pipe (`turnbuild plan | head`) does not stop the command. Other write errors, e.g. a full disk behind `>`, lose
  // output, so the command aborts and fails.
  for (const [name, stream] of [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const) {
    stream.on('error', ({ code = '', message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE' || interrupt.signal.aborted) return;
      interrupt.abort();
      process.on('exit', () => {
        process.exitCode = EXIT.failed;
      });
      process.stderr.write(
        `turnbuild: Cannot write to ${name}: ${FILE_ERRORS[code] ?? message}\n  [OUTPUT_FAILED]\n`,
      );
    });
  }
  process.on('SIGTERM', () => interrupt.abort());
}
