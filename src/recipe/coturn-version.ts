import { coerce, satisfies, validRange } from 'semver';
import { z } from 'zod';
import { usageError } from '../errors.ts';

/** A semver range over coturn versions, e.g. `>=4.6.2 <4.8.0`. */
export const versionRange = z.string().refine((range) => validRange(range) !== null, {
  message: 'expected a semver range, e.g. ">=4.6.2 <4.8.0"',
});

/**
 * A coturn version as semver sees it: the first three numbers. coturn had four-part versions (4.5.0.8) until 4.5.1.3,
 * and its images and Debian's packages add suffixes (4.6.2-r5, 4.6.1-2): none of them tells anything that our ranges ask.
 * Throws VERSION_INVALID for what has no number at its beginning: an unknown version must not pass as a safe one.
 */
export function comparableVersion(version: string): string {
  const comparable = /^v?\d+(\.\d+)*/.test(version) ? coerce(version) : null;
  if (comparable === null) {
    throw usageError('VERSION_INVALID', `"${version}" is not a coturn version`, 'Write it as 4.18.0.');
  }
  return comparable.version;
}

/** A version as coturn's own tags have it: `v4.6.2`, as many projects write it, is 4.6.2. Anything else stays as it is. */
export function withoutPrefix(version: string): string {
  return version.replace(/^v(?=\d)/i, '');
}

/** Whether a coturn version, four-part or suffixed ones too, lies in a semver range. */
export function versionIn(version: string, range: string): boolean {
  return satisfies(comparableVersion(version), range);
}
