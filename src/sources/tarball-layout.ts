import { TurnbuildError } from '../errors.ts';
import { unsafe } from '../io/tar-rules.ts';
import type { SourceEntry } from './tarball.ts';

/** An entry with its modification time. */
export interface DatedEntry extends SourceEntry {
  mtime: number;
}

/** Removes the top-level folder from all paths. A tarball made by `tar -c .` has none: everything is in `./`. */
export function beneathTop(entries: readonly DatedEntry[], allInDot: boolean): DatedEntry[] {
  if (entries.some(({ path, type }) => path === '' && type !== 'directory'))
    throw unsafe('./', 'is at the top level but is not a folder');
  const named = entries.filter(({ path }) => path !== '');
  const tops = [...new Set(named.map(({ path }) => path.split('/')[0] ?? ''))];
  const [top = ''] = tops;
  const isTop = (entry: DatedEntry) => entry.path === top;
  if (tops.length > 1) {
    if (allInDot) return named;
    throw layoutError(tops);
  }
  if (named.some((entry) => isTop(entry) && entry.type !== 'directory'))
    throw unsafe(top, 'is at the top level but is not a folder');
  return named
    .filter((entry) => !isTop(entry))
    .map((entry) => ({ ...entry, path: entry.path.slice(top.length + 1) }));
}

function layoutError(tops: readonly string[]): TurnbuildError {
  const shown = tops.slice(0, 3).join(', ');
  return new TurnbuildError(
    'SOURCE_LAYOUT',
    `The tarball has ${tops.length} files or folders at its top level (${shown}${tops.length > 3 ? ', ...' : ''}), expected one folder with coturn's sources`,
    { hint: 'Pack only that folder: tar -czf coturn.tar.gz FOLDER' },
  );
}
