import { coerce, satisfies, validRange } from 'semver';
import { z } from 'zod';
import { usageError } from '../errors.ts';

/** A semver range over coturn versions, e.g. `>=4.6.2 <4.8.0`. */
export const versionRange = z.string().refine((range) => validRange(range) !== null, {
  message: 'expected a semver range, e.g. ">=4.6.2 <4.8.0"',
});

/**
 * A coturn version for semver: the first three numbers. coturn had four-part versions (4.5.0.8) until 4.5.1.3, and its
 * images and Debian's packages add suffixes (4.6.2-r5, 4.6.1-2), none of which matter for our ranges.
 * @throws VERSION_INVALID if it does not start with a number: an unknown version must not pass as a safe one
 */
export function comparableVersion(version: string): string {
  const comparable = /^v?\d+(\.\d+)*/.test(version) ? coerce(version) : null;
  if (comparable === null) {
    throw usageError('VERSION_INVALID', `"${version}" is not a coturn version`, 'Write it as 4.18.0.');
  }
  return comparable.version;
}

/** A version without the prefix that coturn's tags lack: `v4.6.2` -> `4.6.2`. Anything else is unchanged. */
export function withoutPrefix(version: string): string {
  return version.replace(/^v(?=\d)/i, '');
}

/** Whether a coturn version, including four-part and suffixed ones, is in a semver range. */
export function versionIn(version: string, range: string): boolean {
  return satisfies(comparableVersion(version), range);
}
