import { type Command, Option } from 'commander';
import type { OptionName } from '../run/options.ts';

/** An option's flags, help text and parser settings. */
interface OptionEntry {
  flags: string;
  text: string;
  /** The option may be repeated. */
  list?: true;
  /** Attribute names (in commander's sense) of conflicting options. */
  conflicts?: readonly string[];
}

const VERIFY = ['only', 'skip', 'reason', 'verifyOn', 'full', 'accept'] as const;

/** All options that commands share, by attribute name (in commander's sense), with the same wording in every command. */
const OPTIONS: Readonly<Record<OptionName, OptionEntry>> = {
  arch: { flags: '--arch <names>', text: 'architectures: arm64, x86_64, or arm64,x86_64', list: true },
  target: { flags: '--target <names>', text: 'targets, e.g. debian-12,portable', list: true },
  revision: {
    flags: '--revision <n>',
    text: 'package revision; auto: the next one if a statically linked library is outdated',
  },
  maintainer: { flags: '--maintainer <name>', text: 'package maintainer: Name <address@host>' },
  builder: { flags: '--builder <name>', text: 'buildx builder (default: the current one)' },
  source: { flags: '--source <where>', text: 'github, debian, a file, or a URL' },
  sha256: {
    flags: '--sha256 <hex>',
    text: 'SHA-256 of the tarball passed as --source FILE or URL; pins it for this run',
  },
  mirror: {
    flags: '--mirror <url>',
    text: 'mirror of the Debian archive (default: from /etc/apt); NAME=URL for another archive',
    list: true,
  },
  updateLock: { flags: '--update-lock', text: 'add the version to the lock file if it is missing' },
  lock: { flags: '--lock <file>', text: 'lock file of the sources' },
  allowQuarantined: { flags: '--allow-quarantined', text: 'allow a quarantined release' },
  recipes: {
    flags: '--recipes <dir>',
    text: "recipes to use instead of the built-in ones and the project's",
  },
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
    text: "verify at full scale: 16,383 ports, a million hostile packets, a foreign root's own apt and dpkg under QEMU; takes 15 minutes per package",
  },
  accept: {
    flags: '--accept <advisories>',
    text: "known advisories whose failed checks don't fail the package",
    list: true,
  },
  verify: { flags: '--no-verify', text: 'build without verifying', conflicts: VERIFY },
  plan: {
    flags: '--plan <file>',
    text: 'run a plan from `turnbuild plan --json`, or only its --target and --arch',
  },
  cloud: { flags: '--cloud <names>', text: 'clouds: aws, gce, or aws,gce (default: both)', list: true },
  boot: { flags: '--no-boot', text: 'build images without booting them; they count as unverified' },
  size: {
    flags: '--size <gib>',
    text: 'size of the disk in GiB (default: 1); the file system grows with the volume',
  },
  ssh: {
    flags: '--ssh <who>',
    text: 'SSH server: none, or cloud (key pair on aws, OS Login on gce); default: none on aws, cloud on gce',
  },
  extraPackage: {
    flags: '--extra-package <deb>',
    text: 'also install this .deb in the images: FILE@sha256:HEX or URL@sha256:HEX; can be repeated',
    list: true,
  },
  extraPackageKey: {
    flags: '--extra-package-key <file>',
    text: 'require a signature of each --extra-package by a key in this file; the signature is FILE.sig or URL.sig',
  },
  native: { flags: '--native', text: 'plan for one machine per architecture, each compiling natively' },
  jobs: { flags: '--jobs <n>', text: 'number of packages built or verified in parallel' },
  cache: { flags: '--no-cache', text: "repeat every step, without Docker's build cache" },
  cacheFrom: {
    flags: '--cache-from <cache>',
    text: 'cache of compilations outside the builder, as for `docker buildx build`, e.g. type=gha,scope=coturn',
  },
  cacheTo: {
    flags: '--cache-to <cache>',
    text: 'where to store that cache, e.g. type=gha,scope=coturn,mode=max',
  },
  roots: {
    flags: '--roots <how>',
    text: 'where base images come from: registry (official images), bootstrap (mmdebstrap), or auto (default): registry if it is reachable',
  },
  refreshBase: { flags: '--refresh-base', text: 'rebuild base images from current packages' },
  verbose: { flags: '--verbose', text: 'print the output of every command' },
  out: { flags: '--out <dir>', text: "output folder (default: the project's, otherwise dist)" },
  dryRun: { flags: '--dry-run', text: 'print what would run; write nothing outside the cache' },
};

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
const WRITE = ['out', 'dryRun'] as const;
/** Options that identify packages, including those built by an earlier command. */
const PACKAGES = ['arch', 'target', 'revision', 'maintainer', 'builder', ...SOURCE] as const;
const RUN = ['plan', 'jobs', 'cache'] as const;
const CACHE = ['cacheFrom', 'cacheTo'] as const;

/** The options that have an effect, by command. */
const COMMANDS = {
  init: ['target', 'arch', 'maintainer', 'json', 'dryRun'],
  release: [...PACKAGES, ...RUN, ...CACHE, 'roots', 'refreshBase', 'verbose', ...VERIFY, ...WRITE, 'verify'],
  // `--revision auto` depends on the results of an earlier run, in --out.
  plan: [...PACKAGES, 'roots', ...VERIFY, 'verify', 'native', 'out'],
  source: [...SOURCE, ...WRITE],
  // The maintainer does not affect compiled programs.
  build: [
    ...PACKAGES.filter((name) => name !== 'maintainer'),
    ...RUN,
    ...CACHE,
    ...(['roots', 'refreshBase', 'verbose'] as const),
    ...WRITE,
  ],
  // No refreshBase: a new base image would require compiling again.
  package: [...PACKAGES, ...RUN, 'roots', 'verbose', ...WRITE],
  verify: [...PACKAGES, ...RUN, 'roots', 'refreshBase', 'verbose', ...VERIFY, ...WRITE],
  image: [
    ...PACKAGES.filter((name) => name !== 'target'),
    'cloud',
    'size',
    'ssh',
    'extraPackage',
    'extraPackageKey',
    'boot',
    ...RUN,
    'roots',
    'refreshBase',
    'verbose',
    ...WRITE,
  ],
  collect: ['recipes', 'lock', 'json', ...WRITE],
  publish: ['target', 'arch', 'plan', 'recipes', 'json', 'verbose', ...WRITE],
  attest: ['target', 'arch', 'recipes', 'json', 'out'],
  promote: ['plan', 'recipes', 'json', 'verbose', ...WRITE],
  withdraw: ['reason', 'plan', 'recipes', 'json', 'verbose', ...WRITE],
  refresh: ['plan', 'recipes', 'json', 'verbose', ...WRITE],
  gc: ['plan', 'recipes', 'json', 'verbose', 'out'],
  outdated: ['source', 'mirror', 'recipes', 'json'],
  due: ['revision', 'source', 'mirror', 'recipes', 'json'],
  report: ['json'],
  'lint-config': [...SOURCE, 'accept', 'reason', 'cloud'],
  capacity: ['json'],
  doctor: ['builder', 'json', 'dryRun', 'verbose'],
} satisfies Record<string, readonly OptionName[]>;

type Wording = Partial<Pick<OptionEntry, 'flags' | 'text'>>;

const REPOSITORY_WORDINGS: Partial<Record<OptionName, Wording>> = {
  plan: { text: 'perform exactly the plan that --dry-run --json printed' },
  dryRun: { text: 'print the plan; change nothing in the repository' },
  json: { text: 'print the plan as JSON' },
  verbose: { text: 'list every file, not only packages' },
};

/** Wordings for commands in which an option has a different meaning. */
const WORDINGS: Partial<Record<keyof typeof COMMANDS, Partial<Record<OptionName, Wording>>>> = {
  init: { dryRun: { text: 'print both files; write nothing' } },
  verify: {
    revision: { text: 'revision that the packages were built with, or auto' },
    maintainer: { text: 'maintainer that the packages were built with' },
  },
  image: {
    plan: { text: 'build images from the packages of a plan from `turnbuild plan --json`, with its choices' },
    jobs: { text: 'number of images built or booted in parallel' },
  },
  plan: { out: { text: 'folder with earlier results, for --revision auto' } },
  collect: {
    dryRun: { text: 'check every file; write nothing' },
    json: { text: 'print the manifest as JSON' },
  },
  publish: {
    ...REPOSITORY_WORDINGS,
    target: { text: 'publish only the packages of these targets' },
    arch: { text: 'publish only the packages of these architectures' },
    out: { text: "folder with the release (default: the project's, otherwise dist)" },
  },
  attest: {
    target: { text: 'attest only the packages and images of these targets' },
    arch: { text: 'attest only the packages and images of these architectures' },
    json: { text: 'print the list of files as JSON' },
    out: { text: "folder with the release (default: the project's, otherwise dist)" },
  },
  promote: {
    ...REPOSITORY_WORDINGS,
    out: { text: "folder of the journal (default: the project's, otherwise dist)" },
  },
  withdraw: {
    ...REPOSITORY_WORDINGS,
    out: { text: "folder of the journal (default: the project's, otherwise dist)" },
    reason: { text: 'why; clients can read it in the repository (required)' },
  },
  refresh: {
    ...REPOSITORY_WORDINGS,
    out: { text: "folder of the journal (default: the project's, otherwise dist)" },
  },
  gc: {
    ...REPOSITORY_WORDINGS,
    plan: { text: 'perform exactly the plan that --json printed' },
    out: { text: "folder of the journal (default: the project's, otherwise dist)" },
  },
  outdated: {
    source: { text: 'where to look for coturn releases: github or debian (default: as in the manifest)' },
  },
  due: {
    revision: { text: "revision of a version's first packages (default: the project's, otherwise 1)" },
    source: { text: 'where to look for coturn releases: github or debian (default: as in the manifest)' },
  },
  report: { json: { text: 'print the manifest as JSON' } },
  'lint-config': {
    accept: { flags: '--accept <rules>', text: 'accept findings of these rules; requires --reason' },
    reason: { text: 'why they are accepted; shown with the findings' },
    cloud: {
      flags: '--cloud <name>',
      text: 'with --user-data: aws or gce (default: gce if the document refers to Google Secret Manager, otherwise aws)',
    },
  },
  doctor: { dryRun: { text: 'with --fix: print what would be installed and run; change nothing' } },
};

/** Adds a command's options. */
export function addOptions(command: Command, name: keyof typeof COMMANDS): Command {
  for (const option of COMMANDS[name])
    command.addOption(optionOf({ ...OPTIONS[option], ...WORDINGS[name]?.[option] }));
  return command;
}

/** Collects the values of a repeated option. A variadic one would take the version after it as another value. */
export const listParser = (word: string, before: string[] = []) => [...before, word];

function optionOf({ flags, text, list, conflicts = [] }: OptionEntry): Option {
  const option = new Option(flags, text);
  if (list === true) option.argParser(listParser);
  return option.conflicts([...conflicts]);
}
