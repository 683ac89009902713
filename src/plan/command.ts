/**
 * A command is data: `--dry-run` prints exactly what would run.
 * No shell is involved, so nothing is quoted: `args` go to the program unchanged.
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

/** The command as a line for a POSIX shell. Passwords in addresses are redacted, because logs are shared. */
export function formatCommand(command: Command): string {
  const env = Object.entries(command.env ?? {}).map(([key, value]) => `${key}=${shownWord(value)}`);
  return [...env, shownWord(command.file), ...command.args.map(shownWord)].join(' ');
}

/** Redacts before quoting, because a password may contain quotes. */
function shownWord(word: string): string {
  return shellQuote(word.replaceAll(/:\/\/[^/\s@]*@/g, '://REDACTED@'));
}

function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
