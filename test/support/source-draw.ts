import { coerce, compare } from 'semver';

/**
 * Chooses tarballs of coturn by date: each day one of the older and one of the newer half of the versions, so that over time all are tested.
 * The same day always gives the same choice.
 */
export function drawSources(files: readonly string[], date: Date): string[] {
  const named = files.filter((file) => /^coturn-\d+(\.\d+)+\.tar\.gz$/.test(file));
  const version = (file: string) => coerce(file)?.version ?? '0.0.0';
  const sorted = [...named].sort((a, b) => compare(version(a), version(b)));
  const day = Math.floor(date.getTime() / 86_400_000);
  const half = Math.ceil(sorted.length / 2);
  return [sorted.slice(0, half), sorted.slice(half)].flatMap((part) => part[day % part.length] ?? []);
}
