import { alignColumns, formatBytes, plural } from './format.ts';

/** One change, as src/publish/plan.ts plans it. */
interface Action {
  do: 'create' | 'reuse' | 'replace' | 'point' | 'remove';
  path: string;
  size?: number | undefined;
  file?: string | undefined;
}

interface Destination {
  to: string;
  where: string;
  channel: string;
  /** Null: nothing is signed. */
  key: string | null;
  actions: readonly Action[];
}

const nameOf = ({ path }: Action) => path.slice(path.lastIndexOf('/') + 1);
const bytesOf = (actions: readonly Action[]) => actions.reduce((sum, { size = 0 }) => sum + size, 0);

/** Lines about what a plan does to one destination. @param all lists every file, not only packages and pointers */
export function renderDestination({ to, where, channel, key, actions }: Destination, all: boolean): string[] {
  const head = [
    `${to}: channel ${channel} of ${where}`,
    key === null ? '  not signed' : `  signed by ${key}`,
  ];
  const changes = actions.filter((each) => each.do !== 'reuse');
  if (changes.length === 0) return [...head, '  Nothing to change.'];
  const rows = all
    ? actions.map((each) => [`  ${each.do}`, sizeText(each), each.path])
    : [...packageRows(actions), ...otherRows(changes, to)];
  return [...head, ...alignColumns(rows, new Set([1])), `  ${formatBytes(bytesOf(changes))} to send`];
}

const sizeText = ({ size }: Action) => (size === undefined ? '' : formatBytes(size));

function packageRows(actions: readonly Action[]): string[][] {
  return actions
    .filter(({ file }) => file !== undefined)
    .map((each) => [`  ${each.do}`, sizeText(each), nameOf(each)]);
}

function otherRows(changes: readonly Action[], to: string): string[][] {
  const contents = to === 'github' ? 'draft, notes, checksums' : 'indices, keys';
  const removed = changes.filter((each) => each.do === 'remove');
  const others = changes.filter(
    (each) => each.file === undefined && each.do !== 'point' && each.do !== 'remove',
  );
  const pointers = changes.filter((each) => each.do === 'point');
  return [
    ...(others.length === 0
      ? []
      : [['  write', formatBytes(bytesOf(others)), `${plural(others.length, 'file')}: ${contents}`]]),
    ...removed.map((each) => ['  remove', '', nameOf(each)]),
    ...pointers.map(({ path }) => ['  point', '', path]),
  ];
}

/** A line about a change that is being made; undefined if it is shown only with `all`. */
export function renderAction(action: Action, all: boolean): string | undefined {
  if (!all && action.file === undefined && action.do !== 'point' && action.do !== 'remove') return undefined;
  return `${action.do} ${all || action.do === 'point' ? action.path : nameOf(action)}`;
}
