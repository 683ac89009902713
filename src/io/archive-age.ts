import { TurnbuildError } from '../errors.ts';

/** Mirrors of one archive differ by hours, and a host name may resolve to several mirrors. */
const LAG_MS = 24 * 60 * 60 * 1000;

/** The date in a Debian release file, in milliseconds since 1970; undefined if it has none. */
export function releaseDate(release: string): number | undefined {
  return known(Date.parse(/^Date: *(.*)$/m.exec(release)?.[1] ?? ''));
}

/** The date of a repomd.xml: the latest of its lists' timestamps and its revision, which is a Unix time by default. */
export function repositoryDate(repomd: string): number | undefined {
  const times = [...repomd.matchAll(/<(?:timestamp|revision)>(\d{9,11})(?:\.\d+)?</g)].map(([, time]) =>
    Number(time),
  );
  return times.length === 0 ? undefined : Math.max(...times) * 1000;
}

function known(time: number): number | undefined {
  return Number.isNaN(time) ? undefined : time;
}

/** The date of an archive on a mirror, and the newest date ever seen. */
export interface Ages {
  /** The archive's name in messages. */
  name: string;
  offered: number | undefined;
  newest: number | undefined;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Refuses an archive that is older than the newest state seen, beyond the usual difference between mirrors, because its packages lack
 * updates. Also refuses a date in the future: every later state would then count as outdated.
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
