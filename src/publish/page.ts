import { sha256Bytes } from '../io/files.ts';
import type { Store } from '../io/store.ts';
import { compareDebianVersions } from '../plan/debian-version.ts';
import { storeClientFile } from './actions.ts';
import { APT } from './apt/garbage.ts';
import type { Change } from './change.ts';
import { DNF } from './dnf/garbage.ts';
import type { Offer, PlannedJob } from './job.ts';
import { storedLast } from './perform.ts';
import { CHANNELS, type Channel, type StoredKind } from './plan.ts';
import { describeAll } from './reading.ts';
import { notices, withdrawnNotices } from './withdrawn.ts';

/** Path of the page for people, relative to the repository. */
export const PAGE = 'index.html';

/** Marks a page that turnbuild has written. */
const GENERATOR = '<meta name="generator" content="turnbuild">';

/** Maximum bytes of the page. */
const MAX_PAGE = 16 * 1024 ** 2;

/** A release in a suite or a dnf repository. */
export interface PageRow {
  to: StoredKind;
  channel: Channel;
  /** A suite without its channel, e.g. `trixie`, or a target with .rpm packages. */
  name: string;
  release: string;
  /** The day on which it got there: YYYY-MM-DD. */
  date: string;
}

/** What the page says. */
export interface PageFacts {
  url: string;
  /** Of the key that signs, upper-case hex. */
  fingerprint: string;
  /** From the newest release to the oldest in each place. */
  rows: readonly PageRow[];
  withdrawn: readonly { release: string; reason: string }[];
}

/** The attributes with which the page marks a row, so that a later run can read it. All values need no escaping. */
export function rowAttributes({ to, channel, name, release, date }: PageRow): string {
  return `data-row="${[to, channel, name, release, date].join(' ')}"`;
}

/** The rows of a page. What is not as turnbuild writes it is ignored. */
export function rowsOnPage(text: string): PageRow[] {
  const found = text.matchAll(
    /data-row="(apt|dnf) (testing|stable) ([\w.-]+) ([\w.+~-]+) (\d{4}-\d{2}-\d{2})"/g,
  );
  return [...found].flatMap(([, to, channel, name = '', release = '', date = '']) => {
    const kind = to === 'dnf' ? 'dnf' : 'apt';
    const own = CHANNELS.find((each) => each === channel);
    return own === undefined ? [] : [{ to: kind, channel: own, name, release, date }];
  });
}

/** The next rows: those of the places that are planned, and the others as they were. */
export function nextRows(
  before: readonly PageRow[],
  planned: readonly { to: StoredKind; channel: Channel; offers: readonly Offer[] }[],
  dateOf: (to: StoredKind, release: string) => string,
): PageRow[] {
  const isPlanned = (row: PageRow) =>
    planned.some((each) => each.to === row.to && each.channel === row.channel && hasPlace(each.offers, row));
  const rows = planned.flatMap(({ to, channel, offers }) =>
    offers.flatMap(({ name, releases }) =>
      releases.map((release) => {
        const old = before.find(
          (row) => row.to === to && row.channel === channel && row.name === name && row.release === release,
        );
        return { to, channel, name, release, date: old?.date ?? dateOf(to, release) };
      }),
    ),
  );
  const place = ({ to, name, channel }: PageRow) => `${to} ${name} ${channel}`;
  return [...rows, ...before.filter((row) => !isPlanned(row))].sort((a, b) =>
    place(a) === place(b) ? compareDebianVersions(b.release, a.release) : place(a) < place(b) ? -1 : 1,
  );
}

const hasPlace = (offers: readonly Offer[], { name }: PageRow) => offers.some((each) => each.name === name);

/**
 * Adds the page to the plan of the last channel, as a file that is stored when everything else has succeeded. Rows of places that are not planned are read from the page that is there.
 * @param planOthers plans the other channels; called if there is no page yet
 * @param render makes the page
 */
export async function withPage(
  jobs: readonly PlannedJob[],
  planOthers: () => Promise<readonly PlannedJob[]>,
  {
    store,
    changes,
    url,
    fingerprint,
    render,
    now,
  }: {
    store: Store;
    changes: readonly { change: Change }[];
    url: string;
    fingerprint: string;
    render: (facts: PageFacts) => string;
    now: number;
  },
): Promise<PlannedJob[]> {
  const [last, ...rest] = jobs.toReversed();
  if (last === undefined) return [];
  const text = (await store.read(PAGE, MAX_PAGE))?.toString('utf8');
  if (text !== undefined && !text.includes(GENERATOR)) {
    const note = `${PAGE} in ${store.address} was not written by turnbuild, and stays as it is.`;
    return [...rest.toReversed(), { ...last, notes: [...last.notes, note] }];
  }
  const all = text === undefined ? [...(await planOthers()), ...jobs] : jobs;
  const planned = all.flatMap(({ destination: { to, channel }, offers }) =>
    channel === null || to === 'github' ? [] : [{ to, channel, offers }],
  );
  const today = dayOf(now);
  const stored = text === undefined ? await storedDays(store) : new Map<string, string>();
  const rows = nextRows(
    rowsOnPage(text ?? ''),
    planned,
    (to, release) => stored.get(`${to} ${release}`) ?? today,
  );
  const withdrawn = await withdrawnNotices(
    store,
    changes.map(({ change }) => notices(change)),
  );
  const bytes = Buffer.from(render({ url, fingerprint, rows, withdrawn }));
  const known = { where: store.address, stored: await describeAll(store, [PAGE]), sha256: sha256Bytes };
  const page = storeClientFile(PAGE, bytes, known);
  return [...rest.toReversed(), storedLast(last, page, bytes, store)];
}

const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);

/** The days on which releases were stored: `apt 4.18.0+turnbuild-1` -> YYYY-MM-DD. */
async function storedDays(store: Store): Promise<Map<string, string>> {
  const days = new Map<string, string>();
  for (const [to, kind] of [
    ['apt', APT],
    ['dnf', DNF],
  ] as const)
    for (const { path, modified } of await store.listAll(`${kind.root}/pool`)) {
      const key = `${to} ${kind.packageOf(path)}`;
      const day = dayOf(modified);
      if (day < (days.get(key) ?? '9')) days.set(key, day);
    }
  return days;
}
