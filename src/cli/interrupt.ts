import { EXIT } from '../errors.ts';
import { FILE_ERRORS } from './failure.ts';

/** Aborted by Ctrl-C, by SIGTERM, and when what is printed can't be written. */
export const interrupt = new AbortController();

/** From now on, these end the work. */
export function watchInterrupts(): void {
  process.on('SIGINT', () => {
    // The second Ctrl-C is from somebody who doesn't want to wait for the cleaning up.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
  // A reader that has seen enough (`turnbuild plan | head`) ends neither the work nor the process. With a full disk behind `>`, what was
  // to be said is lost: the command has failed, and ends as by Ctrl-C.
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
