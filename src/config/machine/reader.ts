import type { Cloud } from '../../recipe/machine.ts';
import { type Json, placeOf } from './json.ts';
import { MIN_CHARACTERS } from './secret.ts';

/** A problem of a settings document. turn-agent refuses a document that has any. */
export interface Problem {
  /** Path of the setting, such as `metrics.from[0]`, or `document`. */
  path: string;
  level: 'error';
  message: string;
  /** Count from 1; undefined if something is missing from the document. */
  line: number | undefined;
  column: number | undefined;
}

/** Collects the problems of one document. */
export interface Reader {
  cloud: Cloud;
  now: Date;
  problems: Problem[];
  /** The document's settings. */
  document: ReadonlyMap<string, Json>;
  /**
   * Adds a problem. The message must not contain the value: it may be a secret in the wrong place.
   * @param at the value that it is about; by default the one at the path
   */
  report(path: string, message: string, at?: Json): void;
  /** Adds a problem of a text, and quotes the text if it cannot be a secret. */
  wrong(path: string, text: string, message: string): void;
}

/** What addresses, networks, and ranges of addresses or ports consist of. The longest is a range of IPv6 addresses. */
const ADDRESS_TEXT = /^[0-9A-Fa-f.:/ -]{0,91}$/;

/** Whether a text can only be a mistaken address, number or range. A hexadecimal secret is longer and has neither dots nor colons. */
export function isHarmless(text: string): boolean {
  return ADDRESS_TEXT.test(text) && (text.length < MIN_CHARACTERS || /[.:]/.test(text));
}

export function readerOf(text: string, document: ReadonlyMap<string, Json>, cloud: Cloud, now: Date): Reader {
  const problems: Problem[] = [];
  const report: Reader['report'] = (path, message, at = valueAt(document, path)) => {
    const { line, column } = at === undefined ? {} : placeOf(text, at.at);
    problems.push({ path, level: 'error', message, line, column });
  };
  return {
    ...{ cloud, now, problems, document, report },
    wrong: (path, value, message) => report(path, isHarmless(value) ? `"${value}": ${message}` : message),
  };
}

/** The value at a path or, if it is missing, the one that should have it. */
function valueAt(document: ReadonlyMap<string, Json>, path: string): Json | undefined {
  const [first = '', ...rest] = path.match(/[^.[\]]+/g) ?? [];
  let found = document.get(first);
  for (const name of rest) {
    const value = found?.value;
    const inner =
      value instanceof Map ? value.get(name) : Array.isArray(value) ? value[Number(name)] : undefined;
    if (inner === undefined) break;
    found = inner;
  }
  return found;
}
