import { type Command, Option } from 'commander';

/** How an option is written, what its help says, and what else the parser must know of it. */
interface OptionEntry {
  flags: string;
  text: string;
  /** It may be given more than once. */
  list?: true;
  default?: string;
  /** Options that contradict it, by the names that the parser gives their values. */
  conflicts?: readonly string[];
}

/** Every option that more than one command has: one wording for all. */
const OPTIONS = {
  arch: { flags: '--arch <names>', text: 'architectures: arm64, x86_64, or both with a comma', list: true },
  target: { flags: '--target <names>', text: 'targets, e.g. debian-12,portable', list: true },
  revision: {
    flags: '--revision <n>',
    text: 'package revision; auto: the next one if a statically linked library is outdated',
  },
  maintainer: { flags: '--maintainer <name>', text: 'maintainer of the packages: Name <address@host>' },
  builder: { flags: '--builder <name>', text: 'buildx builder (default: the current one)' },
  source: { flags: '--source <where>', text: 'github, debian, a file, or an address' },
  sha256: {
    flags: '--sha256 <hex>',
    text: 'SHA-256 of the file or address given by --source; pins it for this run',
  },
  mirror: {
    flags: '--mirror <address>',
    text: 'Debian archive (default: of /etc/apt); NAME=ADDRESS for another one',
    list: true,
  },
  updateLock: { flags: '--update-lock', text: 'add the version to the lock file if it is missing' },
  lock: { flags: '--lock <file>', text: 'lock file of the sources' },
  allowQuarantined: { flags: '--allow-quarantined', text: 'allow a quarantined release' },
  recipes: { flags: '--recipes <dir>', text: 'recipes to use instead of the installed ones' },
  json: { flags: '--json', text: 'print the result as JSON' },
  only: {
    flags: '--only <checks>',
    text: 'run only these checks or groups, e.g. metrics,network.udp',
    list: true,
  },
  skip: { flags: '--skip <checks>', text: 'skip these checks or groups; requires --reason', list: true },
  reason: { flags: '--reason <text>', text: 'why checks are skipped; recorded in the report' },
  verifyOn: {
    flags: '--verify-on <image>',
    text: 'registry image, pinned by digest, to verify .rpm packages in, e.g. almalinux:9@sha256:…',
  },
  full: {
    flags: '--full',
    text: "verify at full scale: 16,383 ports, a million hostile packets, a foreign root's own apt and dpkg under QEMU; takes a quarter of an hour for each package",
  },
  accept: {
    flags: '--accept <advisories>',
    text: "known advisories whose failed checks don't fail the package",
    list: true,
  },
  noVerify: {
    flags: '--no-verify',
    text: 'build without verifying',
    conflicts: ['only', 'skip', 'reason', 'verifyOn', 'full', 'accept'],
  },
  plan: {
    flags: '--plan <file>',
    text: 'perform a plan of `turnbuild plan --json`, or the part that --target and --arch name',
  },
  native: { flags: '--native', text: 'plan for one machine of each architecture, which compiles for itself' },
  jobs: { flags: '--jobs <n>', text: 'packages built or verified at a time' },
  noCache: { flags: '--no-cache', text: "perform every step again, without Docker's build cache" },
  refreshBase: { flags: '--refresh-base', text: 'rebuild base images from current packages' },
  verbose: { flags: '--verbose', text: 'print every line of every step' },
  out: { flags: '--out <dir>', text: 'where results go', default: 'dist' },
  dryRun: { flags: '--dry-run', text: 'print what would run, and write nothing but downloads' },
} satisfies Record<string, OptionEntry>;

type OptionName = keyof typeof OPTIONS;

const SOURCE = [
  'source',
  'sha256',
  'mirror',
  'updateLock',
  'lock',
  'allowQuarantined',
  'recipes',
  'json',
] as const;
const VERIFY = ['only', 'skip', 'reason', 'verifyOn', 'full', 'accept'] as const;
const WRITE = ['out', 'dryRun'] as const;
/** Options that say which packages are meant: of a command that finds those of an earlier one, too. */
const PACKAGES = ['arch', 'target', 'revision', 'maintainer', 'builder', ...SOURCE] as const;

/** The options of each command: those that have an effect there. */
const COMMANDS = {
  release: [
    ...PACKAGES,
    'plan',
    'jobs',
    'noCache',
    'refreshBase',
    'verbose',
    ...VERIFY,
    ...WRITE,
    'noVerify',
  ],
  // The results of an earlier run tell which revision `auto` is.
  plan: [...PACKAGES, ...VERIFY, 'noVerify', 'native', 'out'],
  source: [...SOURCE, ...WRITE],
  // Programs name no maintainer.
  build: [
    ...PACKAGES.filter((name) => name !== 'maintainer'),
    ...['plan' as const, 'jobs' as const, 'noCache' as const, 'refreshBase' as const, 'verbose' as const],
    ...WRITE,
  ],
  // In another root the programs would have to be compiled again.
  package: [...PACKAGES, 'plan', 'jobs', 'noCache', 'verbose', ...WRITE],
  verify: [...PACKAGES, 'plan', 'jobs', 'noCache', 'refreshBase', 'verbose', ...VERIFY, ...WRITE],
  collect: ['json', ...WRITE],
  'lint-config': SOURCE,
} satisfies Record<string, readonly OptionName[]>;

/** Wordings for commands in which an option means something else than in the others. */
const TEXTS: Partial<Record<keyof typeof COMMANDS, Partial<Record<OptionName, string>>>> = {
  verify: {
    revision: 'revision that the packages were built with, or auto',
    maintainer: 'maintainer that the packages were built with',
  },
  plan: { out: 'where earlier results are; --revision auto reads them' },
  collect: { dryRun: 'check every file, and write nothing', json: 'print the manifest as JSON' },
};

/** Gives a command its options. */
export function addOptions(command: Command, name: keyof typeof COMMANDS): Command {
  for (const option of COMMANDS[name])
    command.addOption(optionOf({ ...OPTIONS[option], ...textIn(name, option) }));
  return command;
}

function textIn(command: keyof typeof COMMANDS, option: OptionName): Pick<OptionEntry, 'text'> | undefined {
  const text = TEXTS[command]?.[option];
  return text === undefined ? undefined : { text };
}

function optionOf({ flags, text, list, ...entry }: OptionEntry): Option {
  const option = list === true ? repeatable(flags, text) : new Option(flags, text);
  if (entry.default !== undefined) option.default(entry.default);
  return option.conflicts([...(entry.conflicts ?? [])]);
}

/** An option that may be given more than once. (A variadic one would take the version behind it for another name.) */
export function repeatable(flags: string, text: string): Option {
  return new Option(flags, text).argParser((word: string, before: string[] = []) => [...before, word]);
}
