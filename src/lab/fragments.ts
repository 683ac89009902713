import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { resolveBeneath, TARGET } from './installed.ts';

/** systemd's search path for units and drop-ins (systemd.unit(5)), highest priority first. */
const UNIT_PATH = [
  ...['/etc/systemd/system.control', '/run/systemd/system.control', '/run/systemd/transient'],
  ...['/run/systemd/generator.early', '/etc/systemd/system', '/etc/systemd/system.attached'],
  ...['/run/systemd/system', '/run/systemd/system.attached', '/run/systemd/generator'],
  ...['/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'],
  '/run/systemd/generator.late',
];
/** Generators, which write units at boot, and manager settings, which apply to all units. Omits /usr/lib, which has the distribution's. */
const OF_ALL = ['system-generators', 'system-environment-generators', 'system.conf.d'].flatMap((name) =>
  ['/etc', '/run', '/usr/local/lib'].map((folder) => `${folder}/systemd/${name}`),
);
/** A service's slices, whose IPAddressAllow= also applies to the service (systemd.resource-control(5)). */
const SLICES = ['system.slice', '-.slice'];
/** Folders and slice units that apply to every service. */
const BESIDE_ALL = ['service.d', 'slice.d', ...SLICES, ...SLICES.map((name) => `${name}.d`)];
/** Maximum entries listed per folder, because a package may have any number. */
const MOST = 20;

/**
 * Lists all files of an installed root that define a unit: its unit file; drop-ins for it, its aliases, its slices and all services; links that
 * start other units with it; and files that apply to all units. Reads only names and links, and follows no link out of the root.
 */
export function unitFragments(unit: string, root = TARGET): string[] {
  const found: string[] = [];
  const units = folders(root);
  const names = aliases(unit, units);
  for (const { folder, real } of units)
    for (const name of namesIn(real).filter((each) => names.includes(each) || isBeside(each, names))) {
      // An alias only links to the unit, which is listed itself.
      if (name !== unit && names.includes(name)) continue;
      const path = `${folder}/${name}`;
      const inside = name === unit ? undefined : resolved(root, path);
      if (inside === undefined || !lstatSync(inside).isDirectory()) found.push(path);
      else
        found.push(
          ...namesIn(inside)
            .slice(0, MOST)
            .map((each) => `${path}/${each}`),
        );
    }
  return [...found, ...OF_ALL.flatMap((folder) => entriesOf(root, folder))];
}

/** The existing folders of the search path with their real paths, without duplicates. */
function folders(root: string): { folder: string; real: string }[] {
  const found = new Map<string, string>();
  for (const folder of UNIT_PATH) {
    const real = resolved(root, folder);
    if (real !== undefined && !found.has(real)) found.set(real, folder);
  }
  return [...found].map(([real, folder]) => ({ folder, real }));
}

/** A unit's own name and the names of all direct and indirect links to it. */
function aliases(unit: string, units: readonly { real: string }[]): string[] {
  const links = units.flatMap(({ real }) =>
    namesIn(real).map((name) => ({ name, to: linkOf(`${real}/${name}`) })),
  );
  const names = new Set([unit]);
  // The loop also visits names that are added during the iteration.
  for (const known of names) for (const { name, to } of links) if (to === known) names.add(name);
  return [...names];
}

/** Whether a folder holds drop-ins or dependencies of a unit with one of these names, or of its prefix up to a dash or `@`. */
function isBeside(entry: string, names: readonly string[]): boolean {
  const stem = /^(.+)\.service\.(?:d|wants|requires|upholds)$/.exec(entry)?.[1];
  if (stem === undefined) return BESIDE_ALL.includes(entry);
  return names.some((name) => name === `${stem}.service` || (/.[-@]$/.test(stem) && name.startsWith(stem)));
}

/** Paths of a folder's entries. */
function entriesOf(root: string, folder: string): string[] {
  const real = resolved(root, folder);
  return real === undefined
    ? []
    : namesIn(real)
        .slice(0, MOST)
        .map((name) => `${folder}/${name}`);
}

function resolved(root: string, path: string): string | undefined {
  try {
    return resolveBeneath(root, path);
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  return lstatSync(folder).isDirectory() ? readdirSync(folder).sort() : [];
}

/** The base name of a link's target; undefined if it is not a link. */
const linkOf = (path: string) =>
  lstatSync(path).isSymbolicLink() ? basename(readlinkSync(path)) : undefined;
