import { isUtf8 } from 'node:buffer';
import type { Cloud } from '../../recipe/machine.ts';
import { type Json, JsonNumberError, JsonSyntaxError, parseJson, placeOfError } from './json.ts';
import { type Problem, readerOf } from './reader.ts';
import { checkSettings } from './rules.ts';
import { storeOf } from './sources.ts';

/** Largest document in bytes: the limit of EC2's user data, which turn-agent applies in every cloud. */
const MAX_BYTES = 16_384;
/** Some editors write it before UTF-8 text. JSON must not have it (RFC 8259), and Linux would not run a script with it. */
const BYTE_ORDER_MARK = '\ufeff';
/** Where a problem of the whole document is shown. */
const BEGIN = { line: 1, column: 1 };

/**
 * Checks the settings document of a machine: EC2's user data, or the attribute `turn-settings` of Google Compute Engine. Reports the same
 * problems in the same order as turn-agent on the machine.
 * @param now the time at which certificates must be valid
 */
export function checkUserData(document: Buffer, cloud: Cloud, now: Date): Problem[] {
  const tooLong =
    document.length > MAX_BYTES
      ? [broken(`${document.length} bytes long (at most ${MAX_BYTES})`)]
      : undefined;
  // EC2's user data may be a startup script instead.
  if (cloud === 'aws' && isScript(document)) return tooLong ?? [];
  const text = isUtf8(document) ? document.toString() : undefined;
  if (text !== undefined && /^\p{White_Space}*$/u.test(text)) return [];
  if (tooLong !== undefined) return tooLong;
  if (text === undefined) return [broken('not UTF-8 text')];
  if (text.startsWith(BYTE_ORDER_MARK))
    return [broken('begins with a byte order mark; save it as UTF-8 without one', BEGIN)];
  const json = tryParse(text);
  if (json instanceof JsonSyntaxError) {
    const place = placeOfError(text, json.at);
    const message =
      json instanceof JsonNumberError
        ? `the number in line ${place.line} is too large`
        : `invalid JSON in line ${place.line}`;
    return [broken(message, place)];
  }
  if (!(json.value instanceof Map)) return [broken('must be an object', BEGIN)];
  const reader = readerOf(text, json.value, cloud, now);
  checkSettings(reader);
  return reader.problems;
}

/** The cloud that a document is for: gce if one of its sources names a secret of Google's, otherwise aws. */
export function cloudOf(document: Buffer): Cloud {
  const json = isUtf8(document) && document.length <= MAX_BYTES ? tryParse(document.toString()) : undefined;
  if (json === undefined || json instanceof JsonSyntaxError || !(json.value instanceof Map)) return 'aws';
  const clouds = [...json.value.values()].map(({ value }) => {
    const from = value instanceof Map ? value.get('valueFrom')?.value : undefined;
    return typeof from === 'string' ? storeOf(from)?.cloud : undefined;
  });
  return clouds.includes('gce') ? 'gce' : 'aws';
}

const isScript = (document: Buffer) => document.subarray(0, 2).equals(Buffer.from('#!'));

function tryParse(text: string): Json | JsonSyntaxError {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
}

function broken(message: string, place?: { line: number; column: number }): Problem {
  return { path: 'document', level: 'error', message, line: place?.line, column: place?.column };
}
