import type { Json } from './json.ts';
import type { Reader } from './reader.ts';

/** Unknown keys that messages may name: misspelt names of settings, and words. Another key may be a secret. */
const PLAIN = /^[A-Za-z0-9_-]{1,64}$/;
const WORD = /^[A-Za-z_-]{1,32}$/;

/** Reports the unknown keys of an object, sorted by their bytes. @param path ends with a dot unless it is empty */
export function reportUnknown(
  r: Reader,
  path: string,
  object: ReadonlyMap<string, Json>,
  known: readonly string[],
): void {
  const unknown = [...object].filter(([key]) => !known.includes(key));
  for (const [key, value] of unknown.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    const near = nearest(key, known);
    const message = `unknown key${near === undefined ? '' : `; did you mean ${near}?`}`;
    const isPlain = (near !== undefined && PLAIN.test(key)) || WORD.test(key);
    r.report(`${path}${isPlain ? key : '(key)'}`, message, value);
  }
}

/**
 * The known name that a key probably stands for: at most two edits away, or a third of its length, ignoring case. Of equally close names
 * the first. Counts bytes, like turn-agent.
 */
function nearest(key: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let distance = Math.max(2, Math.floor(Buffer.byteLength(key) / 3)) + 1;
  for (const name of known) {
    const edits = editDistance(Buffer.from(lowerCase(key)), Buffer.from(lowerCase(name)));
    if (edits < distance) [best, distance] = [name, edits];
  }
  return best;
}

/** The number of insertions, deletions and substitutions (Levenshtein distance). */
function editDistance(a: Buffer, b: Buffer): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, byte] of a.entries()) {
    const next = [index + 1];
    for (const [column, other] of b.entries()) {
      const substituted = (row[column] ?? 0) + (byte === other ? 0 : 1);
      next.push(Math.min(substituted, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Converts each character alone, like Go: JavaScript looks at its neighbours, too, and makes two characters of İ. */
export function lowerCase(text: string): string {
  return [...text].map((character) => (character === '\u0130' ? 'i' : character.toLowerCase())).join('');
}
