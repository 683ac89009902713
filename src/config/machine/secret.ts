import { isPlaceholder } from '../placeholders.ts';
import { PUBLISHED } from '../secrets.ts';
import { lowerCase } from './names.ts';

/** Bounds of a shared secret; the longest one fills its column in coturn's database. */
export const MIN_CHARACTERS = 16;
const MAX_BYTES = 256;
const MIN_DIFFERENT = 6;

/** Words of examples, such as "my-turn-secret-2024". */
const WORDS = [
  ...[
    'north',
    'logen',
    'secret',
    'shared',
    'static',
    'super',
    'strong',
    'auth',
    'key',
    'token',
    'my',
    'your',
  ],
  ...['our', 'the', 'a', 'change', 'changeme', 'me', 'this', 'please', 'it', 'password', 'passwd', 'pass'],
  ...['word', 'phrase', 'default', 'example', 'sample', 'test', 'testing', 'demo', 'dummy', 'some', 'long'],
  ...['random', 'string', 'value', 'here', 'admin', 'root', 'user', 'coturn', 'turn', 'stun', 'server'],
  ...['webrtc', 'relay', 'abcdefghijklmnop', 'abcdefghijklmnopqrstuvwxyz', 'abcdef', 'qwerty', 'qwertyuiop'],
  ...['asdf', 'asdfghjkl', 'letmein', 'welcome'],
];
/** Most digits before, between and after words. */
const MAX_DIGITS = 4;
const COUNTING = ['0123456789', '123456789', '1234567890', 'abcdef'];

/** What is wrong with a shared secret, without showing it; undefined for a good one. */
export function secretProblem(secret: string): string | undefined {
  if (/\p{Cc}/u.test(secret)) return 'has control characters';
  if (secret === '') return 'is empty';
  const lower = lowerCase(secret);
  const letters = lower.replace(/[^a-z0-9]+/g, '');
  if (PUBLISHED.has(lower) || consistsOf(letters, WORDS, MAX_DIGITS) || consistsOf(letters, COUNTING, 0))
    return 'is a well-known example; generate one: openssl rand -hex 32';
  if (isPlaceholder(secret)) return 'looks like a placeholder that was not replaced';
  const characters = [...secret];
  if (characters.length < MIN_CHARACTERS)
    return `has ${characters.length} characters (at least ${MIN_CHARACTERS})`;
  const different = new Set(characters).size;
  if (different < MIN_DIFFERENT)
    return `has only ${different} different characters (at least ${MIN_DIFFERENT})`;
  const bytes = Buffer.byteLength(secret);
  return bytes > MAX_BYTES ? `has ${bytes} bytes (at most ${MAX_BYTES})` : undefined;
}

/**
 * Whether a text consists of words, with at most `digits` digits before, between and after them. A regular expression would backtrack
 * exponentially, because some words begin with others.
 */
function consistsOf(text: string, words: readonly string[], digits: number): boolean {
  /** Offsets where a sequence of words ends. */
  const ends = new Set<number>();
  for (let at = 0; at < text.length; at += 1) {
    if (at > 0 && !ends.has(at)) continue;
    for (let begin = at; begin <= at + digits; begin += 1) {
      for (const word of words) if (text.startsWith(word, begin)) ends.add(begin + word.length);
      if (!isDigit(text[begin])) break;
    }
  }
  for (let end = text.length; end >= text.length - digits; end -= 1) {
    if (ends.has(end)) return true;
    if (!isDigit(text[end - 1])) return false;
  }
  return false;
}

const isDigit = (character: string | undefined) => character !== undefined && /^\d$/.test(character);
