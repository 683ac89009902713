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
/** Entries of one folder that are named. A package decides how many there are. */
const MOST = 20;

/**
 * All files of an installed root that define a unit: its own, drop-ins for it, for its aliases and for all services, links that make other
 * units a part of its start, and what applies to all units. Nothing is read but names and links, and no link leads out of the root.
 */
export function unitFragments(unit: string, root = TARGET): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const folder of UNIT_PATH) {
    const real = resolved(root, folder);
    if (real === undefined || seen.has(real)) continue;
    seen.add(real);
    const names = namesIn(real);
    const aliases = names.filter((name) => linkOf(`${real}/${name}`) === unit);
    const folders = [
      'service.d',
      ...[unit, ...aliases].flatMap((name) =>
        ['d', 'wants', 'requires', 'upholds'].map((end) => `${name}.${end}`),
      ),
    ];
    for (const name of names.filter((each) => each === unit || folders.includes(each))) {
      const path = `${folder}/${name}`;
      const inside = name === unit ? undefined : resolved(root, path);
      if (inside === undefined) found.push(path);
      else
        found.push(
          ...namesIn(inside)
            .slice(0, MOST)
            .map((each) => `${path}/${each}`),
        );
    }
  }
  return [...found, ...OF_ALL.flatMap((folder) => entriesOf(root, folder))];
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
