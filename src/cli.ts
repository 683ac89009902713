import { Command, type Option } from 'commander';
import { FILE_ERRORS, report } from './cli/failure.ts';
import type { CapacityOptions } from './commands/capacity.ts';
import type { LintOptions } from './commands/lint-config.ts';
import type { CommonOptions } from './commands/options.ts';
import { EXIT, TurnbuildError, usageError } from './errors.ts';
import type { StageName } from './plan/types.ts';

declare const TURNBUILD_VERSION: string;

const interrupt = new AbortController();
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

const program = new Command('turnbuild')
  .description(
    'Turns a coturn release into tested packages for arm64 and x86_64, with Prometheus support proved.',
  )
  .version(TURNBUILD_VERSION)
  .exitOverride()
  // --version means turnbuild's own before a command, and coturn's behind one.
  .enablePositionalOptions()
  .configureOutput({ writeErr: () => {} })
  .addHelpText(
    'after',
    examples(
      'turnbuild release',
      'turnbuild release 4.6.1 --source debian --arch arm64',
      'turnbuild doctor --fix',
    ),
  )
  .addHelpText('after', 'Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted.\n');

/** An option that may be given more than once. (A variadic one would take the version behind it for another name.) */
const COLLECT = Symbol('collect');

type OptionGroup = readonly (readonly [flags: string, text: string, value?: string | typeof COLLECT])[];

const LINT_EXIT_CODES = `
Levels and exit codes:
  error    security hole, ignored line, or startup failure; exit code 1
  warning  weakens the server, or may; exit code 0
  note     for information; exit code 0

Accepting a finding: write a comment above the line, "# turnbuild: accept RULE: REASON", or pass --accept RULE --reason TEXT.
`;

/** Which sources, and what is thought of them. */
const SOURCE_OPTIONS: OptionGroup = [
  ['--source <where>', 'github, debian, a file, or an address'],
  ['--sha256 <hex>', 'SHA-256 of the file or address given by --source; pins it for this run'],
  ['--mirror <address>', 'Debian archive (default: of /etc/apt); NAME=ADDRESS for another one', COLLECT],
  ['--update-lock', 'pin the sources of a version that the lock has not got yet'],
  ['--lock <file>', 'lock file of the sources'],
  ['--allow-quarantined', 'accept a release that must not be shipped'],
  ['--recipes <dir>', 'recipes to use instead of the installed ones'],
  ['--json', 'print the result as JSON'],
];
/** What is made. */
const PLAN_OPTIONS: OptionGroup = [
  ['--arch <names>', 'architectures: arm64, x86_64, or both with a comma', COLLECT],
  ['--target <names>', 'targets, e.g. debian-12,portable', COLLECT],
  ['--revision <n>', 'package revision; auto: the next one if something that is linked in is outdated'],
  ['--maintainer <name>', 'maintainer of the packages: Name <address@host>'],
  ['--builder <name>', 'buildx builder (default: the current one)'],
];
/** How packages are judged. */
const VERIFY_OPTIONS: OptionGroup = [
  ['--only <checks>', 'judge only these checks or groups, e.g. metrics,network.udp', COLLECT],
  ['--skip <checks>', 'leave these out; takes a --reason', COLLECT],
  ['--reason <text>', 'why checks are skipped; stands in the report'],
  [
    '--verify-on <image>',
    'registry image, pinned by digest, to verify .rpm packages in, e.g. almalinux:9@sha256:…',
  ],
  [
    '--full',
    "verify at full scale: 16,383 ports, a million hostile packets, a foreign root's own apt and dpkg under QEMU; takes half an hour natively",
  ],
  ['--accept <advisories>', "known advisories whose failed checks don't fail the package", COLLECT],
];
/** How it is made. */
const RUN_OPTIONS: OptionGroup = [
  ['--jobs <n>', 'packages made at a time'],
  ['--no-cache', "make everything anew, whatever Docker's build cache has"],
  ['--refresh-base', 'bootstrap the root file systems anew, with the packages of today'],
  ['--verbose', 'print every line of every step'],
];
const WRITE_OPTIONS: OptionGroup = [
  ['--out <dir>', 'where results go', 'dist'],
  ['--dry-run', 'print what would run, and write nothing'],
];

/** A command for one version, with just the options that mean something to it. */
function releaseCommand(
  name: string,
  summary: string,
  groups: readonly OptionGroup[],
  lines: readonly string[],
  argument = ['[version]', 'a coturn version, "latest" (default), or a semver range'],
): Command {
  const command = program
    .command(name)
    .summary(summary)
    .description(`${summary}.`)
    .argument(argument[0] ?? '', argument[1])
    .addHelpText('after', examples(...lines));
  for (const [flags, text, value] of groups.flat()) {
    if (value === COLLECT)
      command.option(flags, text, (word: string, before: string[] = []) => [...before, word]);
    else command.option(flags, text, value);
  }
  return command;
}

function stageCommand(name: string, summary: string, stages: StageName[], lines: string[]): void {
  const judged = stages.includes('verify') ? [VERIFY_OPTIONS] : [];
  const groups = [PLAN_OPTIONS, SOURCE_OPTIONS, RUN_OPTIONS, ...judged, WRITE_OPTIONS];
  const argument =
    name === 'verify' ? ['[version]', 'a coturn version, or a .deb of whoever has made it'] : undefined;
  const command = releaseCommand(name, summary, groups, lines, argument);
  if (stages.includes('verify')) command.option('--no-verify', 'make packages only');
  command.action(async (version: string | undefined, options: CommonOptions) => {
    const { release, verifyFile } = await import('./commands/release.ts');
    const { isPackageFile } = await import('./commands/verify-file.ts');
    const { createOutput } = await import('./commands/output.ts');
    const output = createOutput(options.json === true);
    if (name === 'verify' && isPackageFile(version)) {
      process.exitCode = await verifyFile(version, options, output, interrupt.signal);
      return;
    }
    const wanted = options.verify === false ? stages.filter((stage) => stage !== 'verify') : stages;
    process.exitCode = await release(version, wanted, options, output, interrupt.signal);
  });
}

stageCommand(
  'release',
  'Fetch, build, package and verify a coturn release',
  ['build', 'package', 'verify'],
  [
    'turnbuild release',
    'turnbuild release "^4.18.0" --arch arm64',
    'turnbuild release 4.6.1 --source debian --target debian-12,debian-13',
    'turnbuild release --source ./coturn-4.18.0.tar.gz --update-lock',
  ],
);
releaseCommand(
  'plan',
  'Print what a release would do',
  [PLAN_OPTIONS, SOURCE_OPTIONS],
  ['turnbuild plan 4.6.1', 'turnbuild plan latest --json'],
).action(async (version: string | undefined, options: CommonOptions) => {
  const { plan } = await import('./commands/release.ts');
  const { createOutput } = await import('./commands/output.ts');
  process.exitCode = await plan(version, options, createOutput(options.json === true), interrupt.signal);
});
releaseCommand(
  'source',
  'Fetch the sources, check them, and write them normalised',
  [SOURCE_OPTIONS, WRITE_OPTIONS],
  ['turnbuild source 4.6.1 --source debian', 'turnbuild source 4.18.0 --update-lock'],
).action(async (version: string | undefined, options: CommonOptions) => {
  const { source } = await import('./commands/release.ts');
  const { createOutput } = await import('./commands/output.ts');
  process.exitCode = await source(version, options, createOutput(options.json === true), interrupt.signal);
});
stageCommand('build', 'Compile a coturn release', ['build'], ['turnbuild build 4.6.1 --arch arm64']);
stageCommand(
  'package',
  'Make packages of what build has compiled',
  ['package'],
  ['turnbuild package 4.6.1 --revision 2'],
);
stageCommand(
  'verify',
  'Install, use and judge the packages that are there',
  ['verify'],
  [
    'turnbuild verify 4.6.1 --target debian-13',
    'turnbuild verify ./coturn_4.6.1-1_amd64.deb --target debian-12 --only relay,network',
  ],
);

releaseCommand(
  'outdated',
  'Say whether packages are outdated: coturn, and the libraries that are linked in',
  [
    [
      [
        '--source <where>',
        'where coturn releases are looked for: github or debian (default: as the manifest)',
      ],
      ['--mirror <address>', 'Debian archive (default: of /etc/apt)', COLLECT],
      ['--recipes <dir>', 'recipes to use instead of the installed ones'],
      ['--json', 'print the result as JSON'],
    ],
  ],
  ['turnbuild outdated', 'turnbuild outdated ./manifest.json --json'],
  ['[manifest]', 'manifest.json of a release, its folder, or a folder of releases (default: dist)'],
)
  .addHelpText('after', '\nExit code 1 if a rebuild is due, 0 if not. Made for a weekly job.\n')
  .action(async (path: string | undefined, options: CommonOptions) => {
    const { outdated } = await import('./commands/outdated.ts');
    const { createOutput } = await import('./commands/output.ts');
    process.exitCode = await outdated(path, options, createOutput(options.json === true), interrupt.signal);
  });

releaseCommand(
  'lint-config',
  'Say what is wrong with a turnserver.conf',
  [SOURCE_OPTIONS],
  [
    'turnbuild lint-config /etc/turnserver.conf --version 4.18.0',
    'turnbuild lint-config turnserver.conf --version 4.6.1 --sarif >turnserver.sarif',
  ],
  ['[file]', 'the configuration'],
)
  .option('--version <version>', 'the coturn version that it is for')
  .option('--sarif', 'print the findings as SARIF 2.1.0')
  .option(
    '--accept <rules>',
    'rules whose findings are accepted; requires --reason',
    (word: string, before: string[] = []) => [...before, word],
  )
  .option('--reason <text>', 'why they are accepted; shown with the findings')
  .option('--print-deny', "print the packages' denied-peer-ip lines, and end")
  .addHelpText('after', LINT_EXIT_CODES)
  .action(async (file: string | undefined, options: LintOptions) => {
    const { lintConfigFile, printDenied } = await import('./commands/lint-config.ts');
    const { createOutput } = await import('./commands/output.ts');
    const document = options.json === true || options.sarif === true;
    if (options.printDeny === true) {
      process.exitCode = await printDenied(options, createOutput(false));
      return;
    }
    if (file === undefined)
      throw usageError('CONFIG_MISSING', 'Name a turnserver.conf', 'For example /etc/turnserver.conf.');
    process.exitCode = await lintConfigFile(file, options, createOutput(document), interrupt.signal);
  });

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
  .action(async (options: CapacityOptions) => {
    const { capacity } = await import('./commands/capacity.ts');
    const { createOutput } = await import('./commands/output.ts');
    process.exitCode = await capacity(options, createOutput(options.json === true));
  });

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
  .action(
    async (options: {
      fix?: boolean;
      dryRun?: boolean;
      json?: boolean;
      verbose?: boolean;
      builder?: string;
      packages?: string;
    }) => {
      const { doctor } = await import('./commands/doctor.ts');
      const { createOutput } = await import('./commands/output.ts');
      process.exitCode = await doctor(
        {
          fix: options.fix === true,
          dryRun: options.dryRun === true,
          json: options.json === true,
          verbose: options.verbose === true,
          packages: packageNames(options.packages ?? ''),
          signal: interrupt.signal,
          ...(options.builder === undefined ? {} : { builder: options.builder }),
        },
        createOutput(options.json === true),
      );
    },
  );

program
  .command('completion')
  .summary('Print a completion script for your shell')
  .description('Print a completion script for your shell.')
  .addArgument(program.createArgument('<shell>').choices(['bash', 'zsh', 'fish']))
  .addHelpText('after', examples('source <(turnbuild completion bash)'))
  .action(async (shell: 'bash' | 'zsh' | 'fish') => {
    const { completionScript } = await import('./commands/completion.ts');
    const commands = program.commands.map((command) => ({
      name: command.name(),
      summary: command.summary(),
      options: command.options
        .filter((option: Option) => option.long !== undefined)
        .map((option: Option) => option.long ?? ''),
    }));
    process.stdout.write(completionScript(shell, commands));
  });

/** apt takes other words than names for options, removals (`NAME-`) and suites (`NAME/SUITE`). */
function packageNames(text: string): string[] {
  const names = text.split(',').filter((name) => name !== '');
  const wrong = names.find((name) => !/^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]$/.test(name));
  if (wrong === undefined) return names;
  throw usageError(
    'PACKAGE_NAME_INVALID',
    `Invalid package name "${wrong}" in --packages`,
    'Give names of Debian packages, separated by commas: --packages gcc,make',
  );
}

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}

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

try {
  requireCurrentFolder();
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error, program, process.argv.slice(2));
}
