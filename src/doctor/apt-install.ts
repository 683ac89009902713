import { TurnbuildError } from '../errors.ts';
import { MIN_ENGINE, parseEngine } from '../plan/builder.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import { DEBIAN_KEYRING } from '../recipe/schema.ts';
import { aptComplaints, aptError, conflictReasons } from './apt-errors.ts';
import { disturbances, type PackageChange, parseSimulation } from './apt-simulation.ts';

/** Removed when the installation has ended. */
export const APT_FOLDER = '/var/cache/turnbuild/apt';

/** The only packages that may come from Debian 13 on a Debian 12 machine: its own Docker has no named contexts. */
const DOCKER = ['docker.io', 'docker-cli', 'docker-buildx'];
const NEWER = 'trixie';

/** What apt's configuration says about where packages come from. */
export interface AptSources {
  /** Address of a mirror of the Debian archive. */
  mirror: string | undefined;
  /** Suites that it names, e.g. `bookworm`, `bookworm-security`. */
  suites: ReadonlySet<string>;
}

/** One way to install some packages: what apt-get is given after `install`. */
export interface Way {
  title: string;
  words: readonly string[];
}

/** Files of the private apt configuration, by their path beneath APT_FOLDER. */
export type AptFiles = Readonly<Record<string, string>>;

/**
 * The ways to install these packages, best first: all from the machine's own release, then Docker from Debian 13. Only
 * Docker's own packages are named with that suite. What they need (runc, iptables) comes from the machine's own release
 * where that satisfies them: apt takes a dependency from elsewhere only if nothing else fits.
 */
export function installWays(packages: readonly string[], sources: AptSources): Way[] {
  const own = { title: "this machine's own release", words: packages };
  const newer = packages.some((name) => DOCKER.includes(name)) && hasNewer(sources);
  if (!newer) return [own];
  const words = packages.map((name) => (DOCKER.includes(name) ? `${name}/${NEWER}` : name));
  return [own, { title: `Docker from Debian 13 (${NEWER})`, words }];
}

function hasNewer({ mirror, suites }: AptSources): boolean {
  return suites.has(NEWER) || mirror !== undefined;
}

/**
 * apt's configuration for this one installation. It lies outside /etc/apt, is used with `apt-get -c`, and is removed
 * afterwards: sources and preferences of the machine are read through links, and only lists and downloads are kept apart.
 */
export function aptFiles({ mirror, suites }: AptSources): AptFiles {
  const files = { 'apt.conf': APT_CONF };
  // A source of the user's own is used as it is, with the priority that the user gave it.
  if (mirror === undefined || suites.has(NEWER)) return files;
  return {
    ...files,
    'sources.list.d/turnbuild-docker.sources': `Types: deb
URIs: ${mirror}
Suites: ${NEWER}
Components: main
Signed-By: ${DEBIAN_KEYRING}
`,
    'preferences.d/turnbuild-docker': `Package: *\nPin: release n=${NEWER}\nPin-Priority: 100\n`,
  };
}

const APT_CONF = `Dir::Etc::SourceParts "${APT_FOLDER}/sources.list.d/";
Dir::Etc::PreferencesParts "${APT_FOLDER}/preferences.d/";
Dir::State::Lists "${APT_FOLDER}/lists/";
Dir::Cache "${APT_FOLDER}/cache/";
Acquire::Languages "none";
// What the machine does after an update of its own lists has no place after this one.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`;

/** No question, no pager, no service restarted by needrestart, and output that can be parsed. */
const ENV = {
  LC_ALL: 'C',
  DEBIAN_FRONTEND: 'noninteractive',
  APT_LISTCHANGES_FRONTEND: 'none',
  NEEDRESTART_MODE: 'l',
  NEEDRESTART_SUSPEND: '1',
};

function aptGet(effect: Command['effect'], ...args: string[]): Command {
  return { file: 'apt-get', args: ['-c', `${APT_FOLDER}/apt.conf`, ...args], env: ENV, effect };
}

/** Fills the private lists; the machine's own stay as they are. */
export function updateCommand(): Command {
  return aptGet('read', 'update', '-q');
}

/** Installs in one of the ways. Configuration files that are there are kept. */
export function installCommand({ words }: Way): Command {
  return aptGet('write', ...installArguments(words));
}

/** The same without doing it. */
export function simulateCommand({ words }: Way): Command {
  return aptGet('read', '-s', ...installArguments(words));
}

/** Prints what the same would download. */
export function downloadsCommand({ words }: Way): Command {
  return aptGet('read', '--print-uris', ...installArguments(words));
}

function installArguments(words: readonly string[]): string[] {
  return [
    'install',
    '-qy',
    '--no-remove',
    '--no-install-recommends',
    '-o',
    'Dpkg::Options::=--force-confdef',
    '-o',
    'Dpkg::Options::=--force-confold',
    ...words,
  ];
}

/** A way, and what speaks against it; nothing does if `reasons` is empty. */
export interface JudgedWay {
  way: Way;
  changes: PackageChange[];
  reasons: string[];
}

/** Judges a way by its simulation: it must succeed, leave installed packages alone, and give a Docker that is new enough. */
export function judgeWay(way: Way, simulation: { code: number; stdout: string; stderr: string }): JudgedWay {
  if (simulation.code !== 0) {
    const reasons = conflictReasons(`${simulation.stdout}\n${simulation.stderr}`);
    return { way, changes: [], reasons };
  }
  const changes = parseSimulation(simulation.stdout);
  return { way, changes, reasons: [...tooOld(changes), ...disturbances(changes)] };
}

function tooOld(changes: readonly PackageChange[]): string[] {
  const engine = changes.find(({ name }) => name === 'docker.io');
  return engine?.to === undefined || parseEngine(engine.to).suitable
    ? []
    : [`docker.io is ${engine.to}; ${MIN_ENGINE}.0 or newer is required`];
}

const ABSENT = /Unable to locate package|has no installation candidate|was not found/;

/**
 * The error where no way is clean: which packages stand in the way, or what keeps apt from finding them at all.
 * @param update what apt printed while it fetched the lists
 */
export function blockedError(judged: readonly JudgedWay[], update: string): TurnbuildError {
  const reasons = judged.flatMap((each) => each.reasons);
  if (reasons.some((reason) => reason.includes('--fix-broken'))) return aptError(reasons.join('\n'), '');
  if (reasons.every((reason) => ABSENT.test(reason))) {
    const fetching = aptComplaints(update).filter((line) => /^(E|W|Err):/.test(line));
    const command = formatCommand(updateCommand());
    return aptError((fetching.length > 0 ? fetching : [...new Set(reasons)]).join('\n'), command);
  }
  const lines = judged.map(({ way, reasons: why }) => `  ${way.title}: ${why.join('; ')}`);
  const docker = judged.some(({ way }) => way.words.some((word) => DOCKER.includes(word)));
  return new TurnbuildError(
    'APT_CONFLICT',
    `Nothing was changed: the missing packages conflict with installed ones\n${lines.join('\n')}`,
    {
      hint: [
        'Update this machine with `apt-get upgrade` and try again.',
        ...(docker
          ? [
              `Or install Docker ${MIN_ENGINE}.0 or newer from another source, upgrade to Debian 13, or use a remote builder (--builder).`,
            ]
          : []),
      ].join(' '),
    },
  );
}
