import { TurnbuildError } from '../errors.ts';
import { compareDebianVersions } from '../plan/debian-version.ts';

/** One line of a simulation: what apt would do to a package. */
export interface PackageChange {
  /** `change`: another version of an installed package, or a reinstallation. */
  kind: 'install' | 'change' | 'remove';
  /** `libc6`, or `libc6:arm64` for a foreign architecture. */
  name: string;
  /** The installed version. */
  from?: string;
  /** The new version. */
  to?: string;
  /** Sources of the new version, e.g. `Debian:12.15/oldstable`. */
  origins: readonly string[];
}

const INST = /^Inst (\S+)(?: \[([^\]\s]+)\])? \(([^\s)]+)(?: ([^()[\]]+?))? \[[^\]]+\]\)/;
const REMV = /^(?:Remv|Purg) (\S+) \[([^\]\s]+)\]/;
const SUMMARY =
  /^(\d+) upgraded, (\d+) newly installed, (?:(\d+) reinstalled, )?(?:(\d+) downgraded, )?(\d+) to remove/m;

/**
 * Parses the output of `apt-get -s` in the locale C.
 * @throws APT_OUTPUT_UNKNOWN for unknown output, because it could hide changes
 */
export function parseSimulation(output: string): PackageChange[] {
  const changes = output
    .split('\n')
    .filter((line) => /^(Inst|Remv|Purg)\b/.test(line))
    .map(parseLine);
  const summary = SUMMARY.exec(output);
  const [changed, installed, removed] = [
    number(summary?.[1]) + number(summary?.[3]) + number(summary?.[4]),
    number(summary?.[2]),
    number(summary?.[5]),
  ];
  const count = (kind: PackageChange['kind']) => changes.filter((change) => change.kind === kind).length;
  if (
    summary === null ||
    count('install') !== installed ||
    count('change') !== changed ||
    count('remove') !== removed
  )
    throw unknownOutput(summary?.[0] ?? output.trim().split('\n').at(-1) ?? '');
  return changes;
}

function parseLine(line: string): PackageChange {
  const inst = INST.exec(line);
  if (inst !== null) {
    const [, name = '', from, to = '', origins = ''] = inst;
    return {
      kind: from === undefined ? 'install' : 'change',
      name,
      ...(from === undefined ? {} : { from }),
      to,
      origins: origins.split(', ').filter((origin) => origin !== ''),
    };
  }
  const [, name, from] = REMV.exec(line) ?? [];
  if (name === undefined || from === undefined) throw unknownOutput(line);
  return { kind: 'remove', name, from, origins: [] };
}

function number(digits: string | undefined): number {
  return Number(digits ?? 0);
}

function unknownOutput(line: string): TurnbuildError {
  return new TurnbuildError('APT_OUTPUT_UNKNOWN', `Cannot parse the output of apt-get -s: ${line}`, {
    hint: 'Nothing was installed. Install the missing packages with apt-get yourself, and report this line.',
  });
}

/** Changes to installed packages, e.g. `would upgrade libc6 2.36-9 -> 2.41-1`; empty if there are none. */
export function disturbances(changes: readonly PackageChange[]): string[] {
  return changes.flatMap(({ kind, name, from = '', to = '' }) => {
    if (kind === 'install') return [];
    if (kind === 'remove') return [`would remove ${name} ${from}`];
    const order = compareDebianVersions(to, from);
    if (order === 0) return [`would reinstall ${name} ${from}`];
    return [`would ${order > 0 ? 'upgrade' : 'downgrade'} ${name} ${from} -> ${to}`];
  });
}

/** Bytes that `apt-get --print-uris` would download. */
export function parseDownloadSize(output: string): number {
  const sizes = output.split('\n').map((line) => /^'[^']+' \S+ (\d+)(?: |$)/.exec(line)?.[1]);
  return sizes.reduce((sum, size) => sum + number(size), 0);
}

/** The packages that would be installed, as text. */
export function describeChanges(changes: readonly PackageChange[], bytes: number): string[] {
  const sorted = [...changes].sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows = sorted.map(({ name, to = '', origins }) => [name, to, origins.map(originTitle).join(', ')]);
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const [names, versions] = [width(0), width(1)];
  return [
    `${changes.length} new packages, ${(bytes / 1e6).toFixed(1)} MB to download; installed packages are not changed:`,
    ...rows.map(([name = '', version = '', origin = '']) =>
      `  ${name.padEnd(names)}  ${version.padEnd(versions)}  ${origin}`.trimEnd(),
    ),
  ];
}

/** `Debian:12.15/oldstable` -> `Debian 12.15 (oldstable)`. */
function originTitle(origin: string): string {
  const [, label = '', version = '', suite = ''] = /^([^:]*):([^/]*)\/(.*)$/.exec(origin) ?? [];
  return label === '' ? origin : `${label} ${version} (${suite})`;
}
