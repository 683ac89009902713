import { TurnbuildError } from '../errors.ts';

/** Mirrors of one archive are hours apart, and a name may lead to several of them. */
const LAG_MS = 24 * 60 * 60 * 1000;

/** The date of a Debian release file, in milliseconds since 1970; undefined without one. */
export function releaseDate(release: string): number | undefined {
  return known(Date.parse(/^Date: *(.*)$/m.exec(release)?.[1] ?? ''));
}

/** The date of a repomd.xml: that of its newest list, else its revision where that is a time, as it is by default. */
export function repositoryDate(repomd: string): number | undefined {
  const times = [...repomd.matchAll(/<(?:timestamp|revision)>(\d{9,11})(?:\.\d+)?</g)].map(([, time]) =>
    Number(time),
  );
  return times.length === 0 ? undefined : Math.max(...times) * 1000;
}

function known(time: number): number | undefined {
  return Number.isNaN(time) ? undefined : time;
}

/** What a mirror says of an archive, and the newest that was ever seen of it. */
export interface Ages {
  /** The archive, for the message. */
  name: string;
  offered: number | undefined;
  newest: number | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Refuses a state of an archive that is older than one that was seen before, by more than mirrors are apart: its packages lack
 * updates. A date in the future is refused too, because it would make every later one an old one.
 * @throws ARCHIVE_OLD, ARCHIVE_DATE
 */
export function requireNotOlder({ name, offered, newest, now }: Ages): void {
  if (offered !== undefined && offered > now + LAG_MS)
    throw new TurnbuildError(
      'ARCHIVE_DATE',
      `${name} is dated ${shownDate(offered)}, which is in the future`,
      {
        hint: "Check this machine's clock, or use another --mirror.",
      },
    );
  if (newest === undefined || (offered !== undefined && offered >= newest - LAG_MS)) return;
  const is = offered === undefined ? 'no longer has a date' : `is dated ${shownDate(offered)}`;
  throw new TurnbuildError('ARCHIVE_OLD', `${name} ${is}, but was dated ${shownDate(newest)} before`, {
    hint: 'The mirror is outdated, or an attacker replays an old state without security updates. Use another --mirror.',
  });
}

/** `2026-11-20 08:00 UTC` */
export function shownDate(time: number): string {
  return new Date(time).toISOString().replace(/T(\d\d:\d\d).*/, ' $1 UTC');
}
