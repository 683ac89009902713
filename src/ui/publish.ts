import { alignColumns, formatBytes, plural } from './format.ts';

/** One change, as src/publish/plan.ts plans it. */
interface Action {
  do: 'create' | 'reuse' | 'replace' | 'point' | 'delete';
  path: string;
  size?: number | undefined;
  file?: string | undefined;
}

/** The releases of a place, as src/publish/job.ts knows them. */
interface Offer {
  name: string;
  before: readonly string[];
  releases: readonly string[];
}

interface Destination {
  to: string;
  where: string;
  /** Null: all channels. */
  channel: string | null;
  /** Null: nothing is signed. */
  key: string | null;
  actions: readonly Action[];
}

const LISTED = ' (--verbose lists them)';

const nameOf = ({ path }: Action) => path.slice(path.lastIndexOf('/') + 1);
const bytesOf = (actions: readonly Action[]) => actions.reduce((sum, { size = 0 }) => sum + size, 0);

/**
 * Lines about what a plan does to one destination.
 * @param offers what its places have before and after
 * @param all lists every file, not only packages and pointers
 */
export function renderDestination(
  { to, where, channel, key, actions }: Destination,
  offers: readonly Offer[],
  all: boolean,
): string[] {
  if (channel === null)
    return deletedLines(`${to}: files of ${where} that no client needs any more`, actions, all);
  const head = [
    `${to}: channel ${channel} of ${where}`,
    key === null ? '  not signed' : `  signed by ${key}`,
  ];
  const changes = actions.filter((each) => each.do !== 'reuse');
  if (changes.length === 0) return [...head, '  Nothing to change.'];
  const rows = all
    ? actions.map((each) => [`  ${each.do}`, sizeText(each), each.path])
    : [...packageRows(actions), ...otherRows(changes, to)];
  return [
    ...head,
    ...moveLines(offers),
    ...alignColumns(rows, new Set([1])),
    `  about ${formatBytes(bytesOf(changes))} to store`,
  ];
}

/** Which releases places get and lose. */
function moveLines(offers: readonly Offer[]): string[] {
  const places = new Map<string, string[]>();
  for (const { name, before, releases } of offers) {
    const gets = releases.filter((each) => !before.includes(each));
    const loses = before.filter((each) => !releases.includes(each));
    const words = [
      ...(gets.length === 0 ? [] : [`gets ${gets.join(', ')}`]),
      ...(loses.length === 0 ? [] : [`loses ${loses.join(', ')}`]),
    ].join('; ');
    if (words !== '') places.set(words, [...(places.get(words) ?? []), name]);
  }
  return [...places].map(([words, names]) => `  ${names.join(', ')}: ${words}`);
}

/** Lines about files that are deleted. */
function deletedLines(head: string, actions: readonly Action[], all: boolean): string[] {
  if (actions.length === 0) return [head, '  Nothing to delete.'];
  const isPackage = ({ path }: Action) => /\.(?:deb|rpm)$/.test(path);
  const shown = all ? actions : actions.filter(isPackage);
  const rows = shown.map((each) => [`  ${each.do}`, sizeText(each), all ? each.path : nameOf(each)]);
  const others = actions.filter((each) => !shown.includes(each));
  if (others.length > 0)
    rows.push(['  delete', formatBytes(bytesOf(others)), `${plural(others.length, 'other file')}${LISTED}`]);
  return [head, ...alignColumns(rows, new Set([1])), `  ${formatBytes(bytesOf(actions))} to delete`];
}

const sizeText = ({ size }: Action) => (size === undefined ? '' : formatBytes(size));

function packageRows(actions: readonly Action[]): string[][] {
  return actions
    .filter(({ file }) => file !== undefined)
    .map((each) => [`  ${each.do}`, sizeText(each), nameOf(each)]);
}

function otherRows(changes: readonly Action[], to: string): string[][] {
  const contents = to === 'github' ? ': draft, notes, checksums' : LISTED;
  const removed = changes.filter((each) => each.do === 'delete');
  const others = changes.filter(
    (each) => each.file === undefined && each.do !== 'point' && each.do !== 'delete',
  );
  const pointers = changes.filter((each) => each.do === 'point');
  return [
    ...(others.length === 0
      ? []
      : [['  write', formatBytes(bytesOf(others)), `${plural(others.length, 'other file')}${contents}`]]),
    ...removed.map((each) => ['  delete', '', nameOf(each)]),
    ...pointers.map(({ path }) => ['  point', '', path]),
  ];
}

/** A line about a change that is being made; undefined if it is shown only with `all`. */
export function renderAction(action: Action, all: boolean): string | undefined {
  const isShown = action.file !== undefined || ['point', 'delete'].includes(action.do);
  if (!all && !isShown) return undefined;
  return `${action.do} ${all || action.do === 'point' ? action.path : nameOf(action)}`;
}
