import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { resolveBeneath, TARGET } from './installed.ts';

/** Where systemd looks for units and drop-ins (systemd.unit(5)), the most important first. */
const UNIT_PATH = [
  ...['/etc/systemd/system.control', '/run/systemd/system.control', '/run/systemd/transient'],
  ...['/run/systemd/generator.early', '/etc/systemd/system', '/etc/systemd/system.attached'],
  ...['/run/systemd/system', '/run/systemd/system.attached', '/run/systemd/generator'],
  ...['/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'],
  '/run/systemd/generator.late',
];
/** Programs that write units at each boot, and settings of all units. Distributions have theirs in /usr/lib, where nobody else's can be told. */
const OF_ALL = ['system-generators', 'system-environment-generators', 'system.conf.d'].flatMap((name) =>
  ['/etc', '/run', '/usr/local/lib'].map((folder) => `${folder}/systemd/${name}`),
);
/** The slices that a service is in: what they allow, it is allowed as well (systemd.resource-control(5)). */
const SLICES = ['system.slice', '-.slice'];
/** What is beside every unit. */
const BESIDE_ALL = ['service.d', 'slice.d', ...SLICES, ...SLICES.map((name) => `${name}.d`)];
/** Entries of one folder that are named. A package decides how many there are. */
const MOST = 20;

/**
 * All files of an installed root that define a unit: its own, drop-ins for it, for its aliases, for its slices and for all services, links that make other
 * units a part of its start, and what applies to all units. Nothing is read but names and links, and no link leads out of the root.
 */
export function unitFragments(unit: string, root = TARGET): string[] {
  const found: string[] = [];
  const units = folders(root);
  const names = aliases(unit, units);
  for (const { folder, real } of units)
    for (const name of namesIn(real).filter((each) => names.includes(each) || isBeside(each, names))) {
      // An alias is a link to the unit, of which there is one anyway.
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

/** Folders where systemd looks for units, each once, and where they really are. */
function folders(root: string): { folder: string; real: string }[] {
  const found = new Map<string, string>();
  for (const folder of UNIT_PATH) {
    const real = resolved(root, folder);
    if (real !== undefined && !found.has(real)) found.set(real, folder);
  }
  return [...found].map(([real, folder]) => ({ folder, real }));
}

/** The names of a unit: its own, and of links to it in any of the folders, through other links as well. */
function aliases(unit: string, units: readonly { real: string }[]): string[] {
  const links = units.flatMap(({ real }) =>
    namesIn(real).map((name) => ({ name, to: linkOf(`${real}/${name}`) })),
  );
  const names = new Set([unit]);
  // A name that is added is gone through as well.
  for (const known of names) for (const { name, to } of links) if (to === known) names.add(name);
  return [...names];
}

/** Whether an entry is a folder of drop-ins, or of units that are a part of the start: by a name, up to one of its dashes, or up to its `@`. */
function isBeside(entry: string, names: readonly string[]): boolean {
  const stem = /^(.+)\.service\.(?:d|wants|requires|upholds)$/.exec(entry)?.[1];
  if (stem === undefined) return BESIDE_ALL.includes(entry);
  return names.some((name) => name === `${stem}.service` || (/.[-@]$/.test(stem) && name.startsWith(stem)));
}

/** Paths of what is in a folder. */
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

/** The name of what a link leads to; undefined if it is no link. */
const linkOf = (path: string) =>
  lstatSync(path).isSymbolicLink() ? basename(readlinkSync(path)) : undefined;
