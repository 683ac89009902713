import { report } from './cli/failure.ts';
import { watchInterrupts } from './cli/interrupt.ts';
import { program } from './cli/program.ts';
import { TurnbuildError } from './errors.ts';
import { adoptProxies } from './io/proxy.ts';

/** In a removed working directory, every child process would fail with a different error. @throws CWD_MISSING */
function requireCurrentFolder(): void {
  try {
    process.cwd();
  } catch {
    throw new TurnbuildError('CWD_MISSING', 'The current folder no longer exists', {
      hint: 'Change to an existing folder.',
    });
  }
}

watchInterrupts();
try {
  requireCurrentFolder();
  adoptProxies(process.env);
  // Regardless of the user's umask, group members must not be able to change build inputs or verdicts.
  process.umask(process.umask() | 0o022);
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, program, process.argv.slice(2));
}
