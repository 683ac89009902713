/**
 * A command is data: what `--dry-run` prints is exactly what would run.
 * No shell is ever involved, so no quoting: `args` go to the program as they are.
 */
export interface Command {
  /** The program, looked up on PATH. */
  file: string;
  args: readonly string[];
  cwd?: string;
  /** Added to the inherited environment. */
  env?: Readonly<Record<string, string>>;
  /** `read` commands run even in a dry run; `write` commands are only printed there. */
  effect: 'read' | 'write';
}

/** The command as a line that can be pasted into a POSIX shell; a password in an address is left out, since logs are passed on. */
export function formatCommand(command: Command): string {
  const env = Object.entries(command.env ?? {}).map(([key, value]) => `${key}=${shownWord(value)}`);
  return [...env, shownWord(command.file), ...command.args.map(shownWord)].join(' ');
}

/** Before it is quoted: a password may have quotes in it. */
function shownWord(word: string): string {
  return shellQuote(word.replaceAll(/:\/\/[^/\s@]*@/g, '://REDACTED@'));
}

function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
