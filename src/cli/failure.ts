import { type Command, CommanderError } from 'commander';
import { diskFullError, EXIT, nearestName, TurnbuildError, type UsageCode } from '../errors.ts';
import { printableText } from '../ui/format.ts';
import { jsonText } from '../ui/output.ts';

/** Descriptions of file errors, by system error code. */
export const FILE_ERRORS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'part of this path is not a folder',
  EISDIR: 'this is a folder, not a file',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left on the disk',
  ENXIO: 'this is a socket, not a file',
  ELOOP: 'too many symbolic links',
};

const USAGE: Record<string, UsageCode> = {
  'commander.unknownCommand': 'COMMAND_UNKNOWN',
  'commander.unknownOption': 'OPTION_UNKNOWN',
  'commander.conflictingOption': 'OPTION_CONFLICT',
  'commander.missingArgument': 'ARGUMENT_MISSING',
  'commander.excessArguments': 'ARGUMENT_UNEXPECTED',
  'commander.invalidArgument': 'ARGUMENT_INVALID',
};

/**
 * Prints an error on standard error: what failed, why, and what to do next. With `--json`, also prints it on standard output as one object.
 * @param words the command line's words, without the program's name
 * @returns the exit code
 */
export function report(error: unknown, program: Command, words: readonly string[]): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  const isHelp = error instanceof CommanderError && error.code === 'commander.help';
  const unknown = isHelp ? unknownHelp(words) : undefined;
  if (isHelp && unknown === undefined) {
    // commander has no help for `help` itself.
    const isAsked = words[0] === 'help';
    (isAsked ? process.stdout : process.stderr).write(program.helpInformation());
    return isAsked ? EXIT.ok : EXIT.usage;
  }
  const { code, message, hint, exitCode } = asTurnbuildError(unknown ?? error, program, words);
  const advice = hint === undefined ? '' : `\n  ${hint.replaceAll('\n', '\n  ')}`;
  process.stderr.write(`${printableText(`turnbuild: ${message}${advice}\n  [${code}]`)}\n`);
  if (asksForJson(program, words)) process.stdout.write(jsonText({ code, message, hint: hint ?? null }));
  return exitCode;
}

/** For `help` with an unknown command or an option, commander prints only the usage. */
function unknownHelp([first, name]: readonly string[]): CommanderError | undefined {
  if (first !== 'help' || name === undefined || ['help', '--help', '-h'].includes(name)) return undefined;
  const [code, kind] = name.startsWith('-')
    ? ['commander.unknownOption', 'option']
    : ['commander.unknownCommand', 'command'];
  return new CommanderError(EXIT.usage, code, `error: unknown ${kind} '${name}'`);
}

function asTurnbuildError(error: unknown, program: Command, words: readonly string[]): TurnbuildError {
  if (error instanceof TurnbuildError) return error;
  if (error instanceof CommanderError) {
    const command = commandOf(program, words);
    const help = [program.name(), command?.name(), '--help'].filter(Boolean).join(' ');
    const hint = [suggestion(error, program, command), `See ${help}.`].filter(Boolean).join(' ');
    return new TurnbuildError(USAGE[error.code] ?? 'OPTION_INVALID', error.message.replace(/^error: /, ''), {
      hint,
    });
  }
  const full = diskFullError(error);
  if (full !== undefined) return full;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined && FILE_ERRORS[code] !== undefined)
    return new TurnbuildError('FILE_ERROR', `${path}: ${FILE_ERRORS[code]} (${syscall ?? 'access'})`);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new TurnbuildError('INTERNAL_ERROR', `internal error, please report it: ${text}`);
}

function commandOf(program: Command, [name]: readonly string[]): Command | undefined {
  return program.commands.find((each) => each.name() === name);
}

/** A suggestion for an unknown command or option; undefined if nothing is close. */
function suggestion(
  { code, message }: CommanderError,
  program: Command,
  command: Command | undefined,
): string | undefined {
  const word = /'([^'=]+)/.exec(message)?.[1] ?? '';
  const names = program.commands.map((each) => each.name());
  if (code === 'commander.unknownCommand') return didYouMean('', word, names);
  if (code !== 'commander.unknownOption' || command === undefined) return undefined;
  if (word === '--version' && command.registeredArguments.some((each) => each.name() === 'version'))
    return `Pass the version as an argument: ${program.name()} ${command.name()} 4.18.0.`;
  const near = didYouMean('--', word.replace(/^-+/, ''), longNames(command));
  if (near !== undefined) return near;
  const others = program.commands.filter((each) => longNames(each).includes(word.replace(/^--/, '')));
  if (others.length === 0) return undefined;
  return `It is an option of ${others.map((each) => each.name()).join(', ')}.`;
}

function didYouMean(prefix: string, word: string, names: readonly string[]): string | undefined {
  const near = nearestName(word, names);
  return near === undefined ? undefined : `Did you mean ${prefix}${near}?`;
}

function longNames({ options }: Command): string[] {
  return options.flatMap(({ long }) => (typeof long === 'string' ? [long.replace(/^--/, '')] : []));
}

/**
 * Whether a command line asks for JSON, even if it could not be parsed: a script that passes `--json` reads standard output.
 * Ignores the values of other options.
 */
export function asksForJson(program: Command, words: readonly string[]): boolean {
  const command = commandOf(program, words);
  const options = command?.options ?? program.commands.flatMap((each) => each.options);
  if (!options.some(({ long }) => long === '--json')) return false;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '--') return false;
    if (word === '--json') return true;
    if (options.some(({ long, required }) => long === word && required)) index += 1;
  }
  return false;
}
