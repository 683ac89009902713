import { TurnbuildError } from '../errors.ts';
import type { LabFacts } from '../lab/facts.ts';
import type { Platform } from '../plan/platforms.ts';
import type { ApplicableAdvisory } from '../recipe/advisories.ts';
import type { Deviation } from '../recipe/deviations.ts';
import type { Metric } from '../recipe/metrics.ts';
import type { Target } from '../recipe/schema.ts';

/** readelf's output for one file of the package. */
export interface ElfFile {
  path: string;
  header: string;
  dynamic: string;
  symbols: string;
  /** Symbol versions that it defines, and those that it needs from other libraries. */
  versions: string;
  segments: string;
  notes: string;
}

/** All facts gathered by inspecting and running a package. Checks judge them and gather nothing themselves. */
export interface PackageFacts {
  version: string;
  packageVersion: string;
  target: Target;
  platform: Platform;
  /** Known vulnerabilities and defects of this coturn version. */
  advisories: readonly ApplicableAdvisory[];
  metrics: readonly Metric[];
  /** Metrics of this version that are known to count something other than their names say. */
  deviations: readonly Deviation[];
  /** Names of the metrics in the source of exactly this version; a version newer than the table may have more. */
  sourceMetrics: ReadonlySet<string>;
  elf: readonly ElfFile[];
  /** ELF files of the tarball beside the package, if there is one. */
  tarballElf: readonly ElfFile[];
  /**
   * Texts from the inspection, by name: control, contents, lintian, systemd, unit, units, configuration, debugIds, rules, dashboard,
   * `document:README.Debian`, ...
   */
  inspected: Readonly<Record<string, string>>;
  /** Facts by name, as written by the verification. */
  values: ReadonlyMap<string, string>;
  /** Logs and scraped metrics by file name, e.g. `shipped.log`, `shipped.metrics`. */
  files: ReadonlyMap<string, string>;
  /** Facts gathered in the laboratory. */
  lab: LabFacts | undefined;
  /** This coturn handles SIGTERM, which kills some old versions; undefined if its source isn't known. */
  handlesStop: boolean | undefined;
  /** The program drains on SIGUSR1. */
  drains: boolean;
  /** The program reads its certificate again on SIGUSR2. */
  reloads: boolean;
  /** The program is linked with libmicrohttpd, statically or dynamically. */
  hasMicrohttpd: boolean;
  /** Long options of this turnserver: from its source if known, otherwise from the program. */
  options: ReadonlySet<string>;
  /** Long options read from the program. */
  programOptions: ReadonlySet<string>;
  /** The laboratory had a turnserver with AddressSanitizer. */
  sanitizes: boolean;
  /** turnbuild built it from source; otherwise it was given as a file. */
  built: boolean;
}

/** The shared libraries that a program needs (DT_NEEDED). */
export function neededBy({ dynamic }: ElfFile): string[] {
  return [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1] ?? '');
}

/** The build id that the linker added to a program. Debuggers use it to find the debug symbols. */
export function buildIdOf({ notes }: ElfFile): string | undefined {
  return /Build ID: ([0-9a-f]+)/.exec(notes)?.[1];
}

/** Lines of `facts.txt`: name, tab, value. @throws RESULT_UNSAFE if a fact is listed twice, which the verification never does */
export function parseFacts(text: string): Map<string, string> {
  const facts = new Map<string, string>();
  for (const line of text.split('\n').filter((each) => each.includes('\t'))) {
    const name = line.slice(0, line.indexOf('\t'));
    if (facts.has(name))
      throw new TurnbuildError('RESULT_UNSAFE', `facts.txt lists "${name}" twice`, {
        hint: 'Something in the package wrote to the verification results. Do not trust them.',
      });
    facts.set(name, line.slice(line.indexOf('\t') + 1));
  }
  return facts;
}

/** A call of systemctl. */
export interface ServiceCall {
  /** The maintainer script that made the call. */
  script: string;
  /** Status and version of the package at that moment, as dpkg names them. */
  state: string;
  command: string;
}

/** The systemd calls made in a step, from lines like `postinst, half-configured 4.6.1: restart`, separated by `;`. */
export function serviceCalls(facts: PackageFacts, step: string): ServiceCall[] {
  return (facts.values.get(`${step}.calls`) ?? '').split(';').flatMap((text) => {
    const match = /^(.+), (.+): (\S+)$/.exec(text.trim());
    return match === null ? [] : [{ script: match[1] ?? '', state: match[2] ?? '', command: match[3] ?? '' }];
  });
}

/** Samples of a scrape in the text format: series (`name{labels}`) -> value. */
export function parseSamples(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?)\s+(\S+)(?:\s+\d+)?$/.exec(line.trim());
    if (match?.[1] !== undefined) samples.set(match[1], Number(match[2]));
  }
  return samples;
}

/** Far more than coturn has: it has few labels, unless an attacker creates more. */
const MAX_SERIES = 1000;
const MAX_SERIES_LENGTH = 300;

/** The samples of a scrape that a manifest records: the first thousand that have a short enough name and a finite number, as JSON requires. */
export function recordedSamples(text: string): Record<string, number> {
  const recorded = [...parseSamples(text)].filter(
    ([series, sample]) => series.length <= MAX_SERIES_LENGTH && Number.isFinite(sample),
  );
  return Object.fromEntries(recorded.slice(0, MAX_SERIES));
}

/** Metric names that a scrape declares with a type: `turn_total_allocations -> gauge`. */
export function declaredTypes(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']),
  );
}

/** The address that turnutils_stunclient reports; undefined if it got no answer, which its exit code does not always show. */
export const reflexiveAddress = (log: string): string | undefined =>
  /UDP reflexive addr: (\S+)/.exec(log)?.[1];

/** What turnutils_uclient prints when it gets no allocation. */
const REFUSED = /401|Unauthori[sz]ed|Cannot complete Allocation/i;

/** A complaint unless the server refused this client. Judges the output of turnutils_uclient, because its exit code is unreliable. */
export function strangerComplaint(log: string | undefined): string | undefined {
  if (log === undefined) return 'did not run';
  if ((clientCounts(log)?.sent ?? 0) > 0) return 'got a relay';
  const last = log.trim().split('\n').slice(-4).join(' | ');
  return REFUSED.test(log)
    ? undefined
    : `was not refused, or its output does not show it: ${last || '(no output)'}`;
}

/** The message counts of turnutils_uclient, from its last line with counts; undefined if there is none. */
export function clientCounts(log: string | undefined): { sent: number; received: number } | undefined {
  const last = [...(log ?? '').matchAll(/tot_send_msgs=(\d+),\s*tot_recv_msgs=(\d+)/g)].at(-1);
  return last === undefined ? undefined : { sent: Number(last[1]), received: Number(last[2]) };
}
