import { TurnbuildError } from '../errors.ts';
import { MIN_ENGINE, parseEngine } from '../plan/builder.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import { DEBIAN_KEYRING } from '../recipe/schema.ts';
import { aptComplaints, aptError, conflictReasons } from './apt-errors.ts';
import { disturbances, type PackageChange, parseSimulation } from './apt-simulation.ts';

/** Folder of the private apt configuration, removed after the installation. */
export const APT_FOLDER = '/var/cache/turnbuild/apt';

/** The only packages that may come from Debian 13 on a Debian 12 machine, whose own Docker lacks named contexts. */
const DOCKER = ['docker.io', 'docker-cli', 'docker-buildx'];
const NEWER = 'trixie';

/** Package sources in apt's configuration. */
export interface AptSources {
  /** Address of a mirror of the Debian archive. */
  mirror: string | undefined;
  /** Configured suites, e.g. `bookworm`, `bookworm-security`. */
  suites: ReadonlySet<string>;
}

/** One way to install some packages: the arguments of `apt-get install`. */
export interface Way {
  title: string;
  words: readonly string[];
}

/** Files of the private apt configuration, by their path relative to APT_FOLDER. */
export type AptFiles = Readonly<Record<string, string>>;

/**
 * The ways to install these packages, best first: all from the machine's own release, then Docker from Debian 13. Only
 * Docker's own packages are requested from that suite. Their dependencies (runc, iptables) come from the machine's own
 * release if possible: apt uses another suite only if nothing else fits.
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
 * apt's configuration for this one installation. It is outside /etc/apt, is used with `apt-get -c`, and is removed
 * afterwards. Links provide the machine's sources and preferences; only lists and downloads are separate.
 */
export function aptFiles({ mirror, suites }: AptSources): AptFiles {
  const files = { 'apt.conf': APT_CONF };
  // The user's own source keeps its priority.
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
// The machine's hooks for updates of its own lists must not run for this one.
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`;

/** No questions, no pager, no services restarted by needrestart, and output that can be parsed. */
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

/** Fills the private lists; the machine's own stay unchanged. */
export function updateCommand(): Command {
  return aptGet('read', 'update', '-q');
}

/** Installs in one of the ways. Keeps existing configuration files. */
export function installCommand({ words }: Way): Command {
  return aptGet('write', ...installArguments(words));
}

/** Simulates the installation. */
export function simulateCommand({ words }: Way): Command {
  return aptGet('read', '-s', ...installArguments(words));
}

/** Prints the downloads of the installation. */
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

/** A way, and the reasons against it. It is acceptable if there are none. */
export interface JudgedWay {
  way: Way;
  changes: PackageChange[];
  reasons: string[];
}

/** Judges a way by its simulation: it must succeed, leave installed packages alone, and install a recent enough Docker. */
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
 * The error if no way is acceptable: the conflicting packages, or why apt cannot find the packages.
 * @param update apt's output while it fetched the lists
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
