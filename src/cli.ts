import { report } from './cli/failure.ts';
import { watchInterrupts } from './cli/interrupt.ts';
import { program } from './cli/program.ts';
import { TurnbuildError } from './errors.ts';
import { adoptProxies } from './io/proxy.ts';

/** Throws CWD_MISSING in a folder that was removed: every child process would fail there, in words of its own. */
function requireCurrentFolder(): void {
  try {
    process.cwd();
  } catch {
    throw new TurnbuildError('CWD_MISSING', 'The current folder is not there any more', {
      hint: 'Change into one that is.',
    });
  }
}

watchInterrupts();
try {
  requireCurrentFolder();
  adoptProxies(process.env);
  // Whatever the user's own setting is: other members of a group can't change what packages are built from, or a verdict.
  process.umask(process.umask() | 0o022);
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, program, process.argv.slice(2));
}
