import { Command, Option } from 'commander';
import type { LintOptions } from '../commands/lint-config.ts';
import type { PlanOptions } from '../commands/plan.ts';
import { usageError } from '../errors.ts';
import { type StageName, stagesOf } from '../manifest/stages.ts';
import type { CommonOptions } from '../run/options.ts';
import { printCompletion } from './completion.ts';
import { addOptions, listParser } from './options.ts';
import { addPlainRepositoryOptions, addRepositoryOptions, REPOSITORY } from './repository-options.ts';
import { runs } from './verb.ts';

declare const TURNBUILD_VERSION: string;

/** Every command of turnbuild, its options and its examples. */
export const program = new Command('turnbuild')
  .description('Builds, tests and packages coturn releases for arm64 and x86_64, with Prometheus support.')
  .version(TURNBUILD_VERSION)
  .exitOverride()
  // Before a command, --version prints turnbuild's version; after a command, it selects coturn's.
  .enablePositionalOptions()
  .configureOutput({ writeErr: () => {} })
  // src/cli/failure.ts makes all suggestions.
  .showSuggestionAfterError(false)
  .addHelpText(
    'after',
    examples(
      'turnbuild init',
      'turnbuild release',
      'turnbuild release 4.6.1 --source debian --arch arm64',
      'turnbuild doctor --fix',
    ),
  )
  .addHelpText('after', 'Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted.\n');

const LINT_EXIT_CODES = `Levels and exit codes:
  error    security hole, misread line, or startup failure; exit code 1
  warning  weakens the server, or may; exit code 0
  note     for information; exit code 0

Accepting a finding: write a comment above the line, "# turnbuild: accept RULE: REASON", or pass --accept RULE --reason TEXT.
`;

/** A command with its summary and examples. */
function addCommand(name: string, summary: string, lines: readonly string[]): Command {
  return program
    .command(name)
    .summary(summary)
    .description(`${summary}.`)
    .addHelpText('after', examples(...lines));
}

const VERSION = ['[version]', 'a coturn version, "latest" (default), or a semver range'] as const;

const GITHUB_OUTPUT = [
  '--github-output <file>',
  'also append the result to this file, as outputs of a step in GitHub Actions',
] as const;

/** `release`, or a command for a single stage. */
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
          : release(version, stagesOf(name, options.verify ?? options.boot), options, output, signal);
    }),
  );
}

addOptions(
  addCommand('init', 'Create a project in this folder: turnbuild.yaml and turnbuild.lock.json', [
    'turnbuild init',
    'turnbuild init --yes --coturn "^4.18.0" --target debian-12,portable --arch arm64',
  ])
    .option('--coturn <version>', 'a coturn version, "latest" (default), or a semver range')
    .option('--yes', 'do not prompt; use defaults for missing options'),
  'init',
).action(runs(async () => (await import('../commands/init.ts')).init));

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
  ])
    .argument(...VERSION)
    .option(...GITHUB_OUTPUT),
  'plan',
).action(
  runs(async () => {
    const { plan } = await import('../commands/plan.ts');
    return (version: string | undefined, options: PlanOptions, output, signal) =>
      plan(version, stagesOf('release', options.verify), options, output, signal);
  }),
);
addOptions(
  addCommand('collect', 'Merge the parts of a plan that several machines built into one release', [
    'turnbuild collect parts/* --out dist',
  ]).argument('<folders...>', 'output folders of `turnbuild release --plan plan.json`'),
  'collect',
).action(runs(async () => (await import('../commands/collect.ts')).collect));
addOptions(
  addCommand('source', 'Fetch, check and normalise the sources', [
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
stageCommand('image', 'Build machine images for EC2 and Google Compute Engine from a verified package', [
  'turnbuild image 4.18.0 --arch arm64',
  'turnbuild image 4.18.0 --cloud aws --size 2 --ssh cloud',
]);

addOptions(
  addRepositoryOptions(
    addCommand(
      'publish',
      'Publish the verified packages of a release in signed apt and dnf repositories or on GitHub',
      [
        'turnbuild publish --to apt --repo /srv/packages --sign-with FINGERPRINT --dry-run',
        `turnbuild publish 4.18.0 ${REPOSITORY}`,
        'turnbuild publish 4.18.0 --to github --github-repo example/coturn-packages',
      ],
    )
      .argument('[release]', 'version, or path of a release (default: the newest one in the output folder)')
      .option('--channel <name>', 'testing (default) or stable'),
  ),
  'publish',
).action(runs(async () => (await import('../commands/publish.ts')).publish));
addOptions(
  addRepositoryOptions(
    addCommand('promote', 'Make a published release the newest one of a channel, or roll a channel back', [
      `turnbuild promote 4.18.0 ${REPOSITORY}`,
    ])
      .argument('<release>', 'version of a published release, e.g. 4.18.0 or 4.18.0+turnbuild-2')
      .option('--from <name>', 'channel that has the release (default: testing)')
      .option('--channel <name>', 'channel that gets it (default: stable)'),
  ),
  'promote',
).action(runs(async () => (await import('../commands/promote.ts')).promote));
addOptions(
  addRepositoryOptions(
    addCommand('withdraw', 'Take a bad release out of all channels of a repository', [
      `turnbuild withdraw 4.18.0 --reason "crashes on start" ${REPOSITORY}`,
    ]).argument('<release>', 'version of a published release, e.g. 4.18.0 or 4.18.0+turnbuild-2'),
  ),
  'withdraw',
).action(runs(async () => (await import('../commands/withdraw.ts')).withdraw));

addOptions(
  addPlainRepositoryOptions(
    addCommand('refresh', 'Sign a repository again, and rewrite the files that clients copy', [
      `turnbuild refresh ${REPOSITORY} --valid-for 30`,
    ]).description(
      'Rewrite the files that clients copy, and re-sign indices that were signed with another key or subkey or, with --valid-for, have less ' +
        'than half of their validity left. Packages stay as they are. Run it regularly if suites expire.',
    ),
  ),
  'refresh',
).action(runs(async () => (await import('../commands/refresh.ts')).refresh));
addOptions(
  addPlainRepositoryOptions(
    addCommand('gc', 'Delete what no client of a repository needs any more', [
      `turnbuild gc ${REPOSITORY}`,
      `turnbuild gc ${REPOSITORY} --keep 2 --keep-days 14 --apply`,
    ])
      .description(
        'Remove old releases from the indices, and delete files that no index has referenced for some days. Prints the plan; with ' +
          '--apply, executes it.',
      )
      .option('--apply', 'perform the plan')
      .addOption(
        new Option('--keep <n>', 'newest releases of each channel that stay (default: 3)').conflicts('plan'),
      )
      .addOption(
        new Option('--keep-days <n>', 'days that files stay after their last use (default: 30)').conflicts(
          'plan',
        ),
      )
      .addOption(new Option('--withdrawn', 'also delete packages of withdrawn releases').conflicts('plan')),
  ),
  'gc',
).action(runs(async () => (await import('../commands/gc.ts')).gc));

addOptions(
  addCommand(
    'attest',
    "Sign statements about where a release's files come from, and which checks they passed",
    ['turnbuild attest 4.18.0 --sign-with FINGERPRINT', 'turnbuild attest --sigstore'],
  )
    .argument('[release]', 'version, or path of a release (default: the newest one in the output folder)')
    .option('--sign-with <fingerprint>', 'OpenPGP key that signs SHA256SUMS')
    .option('--sigstore', 'sign keylessly, with the identity of the GitHub Actions workflow'),
  'attest',
).action(runs(async () => (await import('../commands/attest.ts')).attest));

addCommand(
  'verify-artifact',
  'Verify who signed a file, what it was built from, and which checks it passed',
  [
    'turnbuild verify-artifact coturn_4.18.0+turnbuild-1~deb13_amd64.deb --repository example/coturn-packages',
    'turnbuild verify-artifact coturn-4.18.0-1-aws-arm64.raw.zst --signed-by FINGERPRINT --key packages.asc',
  ],
)
  .description(
    'Verify who signed a file, what it was built from, and which checks it passed. Works offline, using the bundles, or SHA256SUMS and its ' +
      'signature, beside the file or in its release folder. The exit code is 0 only if the expected signer signed exactly this file.',
  )
  .argument('<file>', 'a package, machine image, or other file of a release')
  .option('--repository <name>', 'GitHub repository whose workflow must have signed: OWNER/NAME')
  .option('--identity <url>', 'identity that must have signed, e.g. the URL of a workflow with its ref')
  .addOption(
    new Option('--identity-regexp <pattern>', 'regular expression of the whole identity').conflicts(
      'identity',
    ),
  )
  .option('--issuer <url>', 'issuer of the identity (default with --repository: that of GitHub Actions)')
  .option('--signed-by <fingerprint>', 'OpenPGP key that must have signed SHA256SUMS')
  .option('--key <file>', 'public key with that fingerprint (default: key.asc beside SHA256SUMS)')
  .option(
    '--bundle <file>',
    'sigstore bundle (default: those about the file, beside it); can be repeated',
    (word: string, before: string[] = []) => [...before, word],
  )
  .option(
    '--trusted-root <file>',
    'trusted root of sigstore (default: the public one that turnbuild contains)',
  )
  .option('--json', 'print the result as JSON')
  .action(runs(async () => (await import('../commands/verify-artifact.ts')).verifyArtifact));

addOptions(
  addCommand(
    'outdated',
    'Report what is outdated or vulnerable: coturn, statically linked libraries, base images, machine images',
    ['turnbuild outdated', 'turnbuild outdated ./manifest.json --json'],
  ).argument('[manifest]', 'manifest.json of a release, its folder, or a folder of releases (default: dist)'),
  'outdated',
)
  .addHelpText(
    'after',
    'Exit code 1 if a rebuild is due or coturn has known vulnerabilities, otherwise 0. Run it weekly.\n',
  )
  .action(runs(async () => (await import('../commands/outdated.ts')).outdated));

addOptions(
  addCommand('due', 'Decide whether a release must be built, for a scheduled job', [
    'turnbuild due --url https://packages.example.org',
    'turnbuild due coturn-4.18.0-2 --url https://packages.example.org --github-output "$GITHUB_OUTPUT"',
  ])
    .argument('[release]', 'a requested release: 4.18.0, or a tag such as coturn-4.18.0-2')
    .option('--channel <name>', 'channel that is compared: testing (default) or stable')
    .option('--to <names>', 'where releases are published: apt, dnf, github, or several', listParser)
    .option('--repo <place>', 'folder of the repository, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX')
    .option('--url <url>', 'URL of the repository; read instead of a bucket, without credentials')
    .option('--github-repo <name>', 'repository on GitHub: OWNER/NAME (default: GITHUB_REPOSITORY)')
    .option(...GITHUB_OUTPUT),
  'due',
)
  .addHelpText(
    'after',
    'A release is due if it is requested, if coturn has a newer one that is not\n' +
      'quarantined, or if statically linked libraries of the published one are\n' +
      'outdated. Withdrawn releases are not built again. The exit code is 0 whether or\n' +
      'not a release is due; read the output.\n',
  )
  .action(runs(async () => (await import('../commands/due.ts')).due));
addOptions(
  addCommand('report', 'Print the summary of a release again', [
    'turnbuild report dist/4.18.0',
    'turnbuild report --markdown >>"$GITHUB_STEP_SUMMARY"',
  ])
    .argument('[manifest]', 'manifest.json of a release, its folder, or a folder of releases (default: dist)')
    .addOption(
      new Option('--markdown', 'print the first screen of the report as Markdown').conflicts('json'),
    ),
  'report',
).action(runs(async () => (await import('../commands/report.ts')).report));

const lintConfig = addOptions(
  addCommand(
    'lint-config',
    "Check a turnserver.conf, or a machine's settings, for mistakes and security holes",
    [
      'turnbuild lint-config /etc/turnserver.conf --version 4.18.0',
      'turnbuild lint-config turnserver.conf --version 4.6.1 --sarif >turnserver.sarif',
      'turnbuild lint-config --user-data user-data.json --cloud aws',
    ],
  )
    .argument('[file]', 'path of a turnserver.conf')
    .option('--version <version>', 'coturn version that will use the file (required for a turnserver.conf)')
    .addOption(new Option('--sarif', 'print the findings as SARIF 2.1.0').conflicts('json')),
  'lint-config',
)
  .addHelpText('after', LINT_EXIT_CODES)
  .action(
    runs(async () => {
      const { lintConfigFile, printDenied } = await import('../commands/lint-config.ts');
      const { lintUserData } = await import('../commands/lint-user-data.ts');
      return (file: string | undefined, options: LintOptions, output, signal) => {
        if (options.userData !== undefined) {
          if (file === undefined) return lintUserData(options.userData, options, output, signal);
          throw usageError('OPTION_CONFLICT', '--user-data takes no turnserver.conf', `Remove ${file}.`);
        }
        if (options.cloud !== undefined) throw usageError('OPTION_INVALID', '--cloud requires --user-data');
        if (options.printDeny === true) {
          if (file === undefined) return printDenied(options, output);
          throw usageError('OPTION_CONFLICT', '--print-deny takes no file', `Remove ${file}.`);
        }
        if (file !== undefined) return lintConfigFile(file, options, output, signal);
        throw usageError(
          'CONFIG_MISSING',
          'Missing argument: the path of a turnserver.conf',
          'For example /etc/turnserver.conf. To check a settings document: --user-data FILE.',
        );
      };
    }),
  );
lintConfig.addOption(
  new Option(
    '--user-data <file>',
    "check a machine's settings document instead: user data on EC2, the attribute turn-settings on Compute Engine",
  ).conflicts(
    // Settings do not depend on the coturn version.
    lintConfig.options
      .map((option) => option.attributeName())
      .filter((name) => !['json', 'sarif', 'cloud'].includes(name)),
  ),
);
lintConfig.addOption(
  new Option('--print-deny', 'print the denied-peer-ip lines of the packages, then exit').conflicts(
    // --print-deny reads only the recipes.
    lintConfig.options.map((option) => option.attributeName()).filter((name) => name !== 'recipes'),
  ),
);

addOptions(
  addCommand('capacity', 'Estimate call capacity and the limits it requires', [
    'turnbuild capacity',
    'turnbuild capacity --ports 10000-65534 --addresses 2 --participants 4',
  ])
    .option('--ports <range>', 'relay ports, e.g. 49152-65534 (default: those of the packages)')
    .option('--addresses <n>', 'relay addresses of the machine', '1')
    .option('--participants <n>', 'relayed participants per call', '2')
    .option('--allocations <n>', 'allocations per participant', '1')
    .option('--even-port', 'count two ports per allocation'),
  'capacity',
).action(runs(async () => (await import('../commands/capacity.ts')).capacity));

addOptions(
  addCommand('doctor', 'Check prerequisites and install what is missing', [
    'turnbuild doctor',
    'turnbuild doctor --fix --dry-run',
    'turnbuild doctor --fix',
    'turnbuild doctor --for publish --fix',
  ])
    .description(
      'Check prerequisites and, with --fix, install what is missing. Installed packages, configuration files and running services ' +
        'are not changed. Exit code 1 if a prerequisite is missing.',
    )
    .option('--fix', 'install and start what is missing (Debian 12 and 13, as root)')
    .addOption(
      new Option(
        '--for <what>',
        'what the machine is for: build (default; publishing programs are optional) or publish',
      ).choices(['build', 'publish']),
    )
    .option('--packages <names>', 'also require these Debian packages (comma-separated)'),
  'doctor',
).action(runs(async () => (await import('../commands/doctor.ts')).doctor));

addCommand('completion', 'Print a completion script for your shell', ['source <(turnbuild completion bash)'])
  .addArgument(program.createArgument('<shell>').choices(['bash', 'zsh', 'fish']))
  .action((shell: 'bash' | 'zsh' | 'fish') => printCompletion(program, shell));

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
