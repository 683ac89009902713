import type { CoturnState, LibraryState } from '../plan/outdated.ts';
import { alignColumns, printable } from './format.ts';

/** What `turnbuild outdated` has found, as a table and what to do next. */
export function renderOutdated({
  coturn,
  libraries,
}: {
  coturn: CoturnState & { where: string };
  libraries: readonly LibraryState[];
}): string {
  const rows = [
    ['', 'HERE', 'NOW', 'IN', ''],
    ['coturn', coturn.version, coturn.newest, coturn.where, aboutCoturn(coturn)],
    ...libraries.map((library) => [
      library.package,
      library.version,
      library.newest ?? '-',
      library.offeredIn ?? library.suite,
      aboutLibrary(library),
    ]),
  ];
  const table = alignColumns(
    rows.map((row) => row.map(printable)),
    new Set(),
  );
  return `${[...table, '', conclusion(coturn, libraries)].join('\n')}\n`;
}

function aboutCoturn({ outdated, fixed }: CoturnState): string {
  if (!outdated) return 'up to date';
  return fixed.length === 0 ? 'newer release' : `security: fixes ${fixed.join(', ')}`;
}

function aboutLibrary({ outdated, security, newest }: LibraryState): string {
  if (newest === undefined) return 'no longer in the archive';
  if (!outdated) return 'up to date';
  return security ? 'security update' : 'newer version';
}

function conclusion(coturn: CoturnState, libraries: readonly LibraryState[]): string {
  const due = libraries.filter(({ outdated }) => outdated);
  const lines = [
    ...(coturn.outdated ? [`A newer coturn is there: turnbuild release ${coturn.newest}`] : []),
    ...(due.length === 0 ? [] : [`A rebuild is due: turnbuild release ${coturn.version} --revision auto`]),
  ];
  if (lines.length > 0) return lines.join('\n');
  return libraries.length === 0
    ? 'Nothing is due. Nothing is linked in: libraries are updated by the distribution.'
    : 'Nothing is due.';
}
