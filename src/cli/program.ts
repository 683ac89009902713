import { Command, Option } from 'commander';
import type { LintOptions } from '../commands/lint-config.ts';
import { usageError } from '../errors.ts';
import { type StageName, stagesOf } from '../manifest/stages.ts';
import type { CommonOptions } from '../run/options.ts';
import { createOutput, type Output } from '../ui/output.ts';
import { interrupt } from './interrupt.ts';
import { addOptions, repeatable } from './options.ts';

declare const TURNBUILD_VERSION: string;

/** What a command does with its argument and its options. It resolves to the exit code. */
type Verb<Argument, Options> = (
  argument: Argument,
  options: Options,
  output: Output,
  signal: AbortSignal,
) => Promise<number>;

/**
 * A command's action, as commander calls it. A command without an argument is given undefined.
 * @param load the verb, whose code is read only now
 */
function runs<Argument, Options extends { json?: boolean; sarif?: boolean }>(
  load: () => Promise<Verb<Argument, Options>>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const verb = await load();
    // What commander gives: the argument, the options, and the command itself.
    const [argument, options] = (given.length === 2 ? [undefined, given[0]] : given) as [Argument, Options];
    const output = createOutput(options.json === true || options.sarif === true);
    process.exitCode = await verb(argument, options, output, interrupt.signal);
  };
}

/** Every command of turnbuild, its options and its examples. */
export const program = new Command('turnbuild')
  .description(
    'Turns a coturn release into tested packages for arm64 and x86_64, with Prometheus support proved.',
  )
  .version(TURNBUILD_VERSION)
  .exitOverride()
  // --version means turnbuild's own before a command, and coturn's behind one.
  .enablePositionalOptions()
  .configureOutput({ writeErr: () => {} })
  // src/cli/failure.ts has suggestions by one rule for all words.
  .showSuggestionAfterError(false)
  .addHelpText(
    'after',
    examples(
      'turnbuild release',
      'turnbuild release 4.6.1 --source debian --arch arm64',
      'turnbuild doctor --fix',
    ),
  )
  .addHelpText('after', 'Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted.\n');

const LINT_EXIT_CODES = `
Levels and exit codes:
  error    security hole, misread line, or startup failure; exit code 1
  warning  weakens the server, or may; exit code 0
  note     for information; exit code 0

Accepting a finding: write a comment above the line, "# turnbuild: accept RULE: REASON", or pass --accept RULE --reason TEXT.
`;

/** What `lint-config --print-deny`, which reads the recipes alone, can't be told. */
const NOT_DENY = [
  ...['source', 'sha256', 'mirror', 'updateLock', 'lock', 'allowQuarantined', 'json'],
  ...['version', 'sarif', 'accept', 'reason'],
];

/** A command with its summary and examples. */
function addCommand(name: string, summary: string, lines: readonly string[]): Command {
  return program
    .command(name)
    .summary(summary)
    .description(`${summary}.`)
    .addHelpText('after', examples(...lines));
}

const VERSION = ['[version]', 'a coturn version, "latest" (default), or a semver range'] as const;

/** `release`, or a stage on its own. */
type StageCommand = Parameters<typeof addOptions>[1] & ('release' | StageName);

function stageCommand(name: StageCommand, summary: string, lines: string[]): void {
  const [flags, text] =
    name === 'verify'
      ? ['[version]', "a coturn version, or the path of any coturn .deb, e.g. a distribution's own"]
      : VERSION;
  const command = addOptions(addCommand(name, summary, lines).argument(flags, text), name);
  command.action(
    runs(async () => {
      const { isPackageFile, verifyFile } = await import('../commands/verify-file.ts');
      const { release } = await import('../commands/release.ts');
      return (version: string | undefined, options: CommonOptions, output, signal) =>
        name === 'verify' && isPackageFile(version)
          ? verifyFile(version, options, output, signal)
          : release(version, stagesOf(name, options.verify), options, output, signal);
    }),
  );
}

stageCommand('release', 'Fetch, build, package and verify a coturn release', [
  'turnbuild release',
  'turnbuild release "^4.18.0" --arch arm64',
  'turnbuild release 4.6.1 --source debian --target debian-12,debian-13',
  'turnbuild release --source ./coturn-4.18.0.tar.gz --update-lock',
]);
addOptions(
  addCommand('plan', 'Print what a release would do', [
    'turnbuild plan 4.6.1',
    'turnbuild plan latest --json >plan.json',
  ]).argument(...VERSION),
  'plan',
).action(
  runs(async () => {
    const { plan } = await import('../commands/plan.ts');
    return (version: string | undefined, options: CommonOptions, output, signal) =>
      plan(version, stagesOf('release', options.verify), options, output, signal);
  }),
);
addOptions(
  addCommand('collect', 'Put together what several machines have made of one plan', [
    'turnbuild collect parts/* --out dist',
  ]).argument('<folders...>', 'folders that `turnbuild release --plan plan.json` has made'),
  'collect',
).action(runs(async () => (await import('../commands/collect.ts')).collect));
addOptions(
  addCommand('source', 'Fetch the sources, check them, and write them normalised', [
    'turnbuild source 4.6.1 --source debian',
    'turnbuild source 4.18.0 --update-lock',
  ]).argument(...VERSION),
  'source',
).action(runs(async () => (await import('../commands/source.ts')).source));
stageCommand('build', 'Compile a coturn release', ['turnbuild build 4.6.1 --arch arm64']);
stageCommand('package', 'Package compiled binaries', ['turnbuild package 4.6.1 --revision 2']);
stageCommand('verify', 'Install and test existing packages', [
  'turnbuild verify 4.6.1 --target debian-13',
  'turnbuild verify ./coturn_4.6.1-1_amd64.deb --target debian-12 --only relay,network',
]);

addCommand('outdated', 'Say whether packages are outdated: coturn, and the libraries that are linked in', [
  'turnbuild outdated',
  'turnbuild outdated ./manifest.json --json',
])
  .argument('[manifest]', 'manifest.json of a release, its folder, or a folder of releases (default: dist)')
  .option(
    '--source <where>',
    'where coturn releases are looked for: github or debian (default: as the manifest)',
  )
  .addOption(repeatable('--mirror <address>', 'Debian archive (default: of /etc/apt)'))
  .option('--recipes <dir>', 'recipes to use instead of the installed ones')
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    '\nExit code 1 if a rebuild is due or coturn has known weaknesses, 0 if not. Made for a weekly job.\n',
  )
  .action(runs(async () => (await import('../commands/outdated.ts')).outdated));

addOptions(
  addCommand('lint-config', 'Say what is wrong with a turnserver.conf', [
    'turnbuild lint-config /etc/turnserver.conf --version 4.18.0',
    'turnbuild lint-config turnserver.conf --version 4.6.1 --sarif >turnserver.sarif',
  ]).argument('[file]', 'the configuration'),
  'lint-config',
)
  .option('--version <version>', 'the coturn version that it is for')
  .addOption(new Option('--sarif', 'print the findings as SARIF 2.1.0').conflicts('json'))
  .addOption(repeatable('--accept <rules>', 'rules whose findings are accepted; requires --reason'))
  .option('--reason <text>', 'why they are accepted; shown with the findings')
  .addOption(
    new Option('--print-deny', "print the packages' denied-peer-ip lines, and end").conflicts(NOT_DENY),
  )
  .addHelpText('after', LINT_EXIT_CODES)
  .action(
    runs(async () => {
      const { lintConfigFile, printDenied } = await import('../commands/lint-config.ts');
      return (file: string | undefined, options: LintOptions, output, signal) => {
        if (options.printDeny === true) {
          if (file === undefined) return printDenied(options, output);
          throw usageError('OPTION_CONFLICT', '--print-deny reads no configuration', `Leave out ${file}.`);
        }
        if (file !== undefined) return lintConfigFile(file, options, output, signal);
        throw usageError('CONFIG_MISSING', 'Name a turnserver.conf', 'For example /etc/turnserver.conf.');
      };
    }),
  );

program
  .command('capacity')
  .summary('Say what a machine carries, and what limits it needs for that')
  .description('Say what a machine carries, and what limits it needs for that.')
  .option('--ports <range>', "relay ports, e.g. 49152-65534 (default: the packages')")
  .option('--addresses <n>', 'relay addresses of the machine', '1')
  .option('--participants <n>', 'participants of a call whose media is relayed', '2')
  .option('--allocations <n>', 'allocations of one participant', '1')
  .option('--even-port', 'each allocation takes a pair of ports')
  .option('--json', 'print the result as JSON')
  .addHelpText(
    'after',
    examples('turnbuild capacity', 'turnbuild capacity --ports 10000-65534 --addresses 2 --participants 4'),
  )
  .action(runs(async () => (await import('../commands/capacity.ts')).capacity));

program
  .command('doctor')
  .summary('Check prerequisites and install what is missing')
  .description(
    'Check prerequisites and, with --fix, install what is missing. Installed packages, configuration files and running services ' +
      'are never changed. Exit code 1 if something is missing.',
  )
  .option('--fix', 'install and start what is missing (Debian 12 and 13, as root)')
  .option('--packages <names>', 'check for these Debian packages too, separated by commas')
  .option('--builder <name>', 'buildx builder (default: the current one)')
  .option('--json', 'print the findings as JSON')
  .option('--dry-run', 'with --fix: print what would be installed and run; change nothing')
  .option('--verbose', 'print every line of every command')
  .addHelpText(
    'after',
    examples('turnbuild doctor', 'turnbuild doctor --fix --dry-run', 'turnbuild doctor --fix'),
  )
  .action(runs(async () => (await import('../commands/doctor.ts')).doctor));

program
  .command('completion')
  .summary('Print a completion script for your shell')
  .description('Print a completion script for your shell.')
  .addArgument(program.createArgument('<shell>').choices(['bash', 'zsh', 'fish']))
  .addHelpText('after', examples('source <(turnbuild completion bash)'))
  .action(async (shell: 'bash' | 'zsh' | 'fish') => {
    const { completionScript } = await import('../commands/completion.ts');
    const { completionValues } = await import('../commands/completion-values.ts');
    const values = await completionValues();
    const commands = program.commands.map((command) => {
      const name = command.name();
      const [argument] = command.registeredArguments;
      return {
        name,
        summary: command.summary(),
        options: command.options.flatMap((option: Option) =>
          option.long === undefined || option.long === null
            ? []
            : [
                {
                  flag: option.long,
                  takesValue: option.required,
                  list: option.parseArg !== undefined,
                  values: values(name, option.long),
                },
              ],
        ),
        argument: argument?.argChoices ?? values(name, argument?.name() ?? ''),
      };
    });
    process.stdout.write(completionScript(shell, commands));
  });

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
