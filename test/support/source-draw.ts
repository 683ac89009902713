import { coerce, compare } from 'semver';

/**
 * Draws tarballs of coturn by the date: each day another of every half of the versions, so that an old one and a new one are tried, and
 * all of them in time. The same day draws the same ones.
 */
export function drawSources(files: readonly string[], date: Date): string[] {
  const named = files.filter((file) => /^coturn-\d+(\.\d+)+\.tar\.gz$/.test(file));
  const version = (file: string) => coerce(file)?.version ?? '0.0.0';
  const sorted = [...named].sort((a, b) => compare(version(a), version(b)));
  const day = Math.floor(date.getTime() / 86_400_000);
  const half = Math.ceil(sorted.length / 2);
  return [sorted.slice(0, half), sorted.slice(half)].flatMap((part) => part[day % part.length] ?? []);
}
