/** One setting of a turnserver.conf, as coturn reads it. */
export interface Setting {
  /** Counts from 1. */
  line: number;
  /** First column of the name, counts from 1. */
  column: number;
  name: string;
  /** Empty if there is none. */
  value: string;
  /** Whether the value stands in quotes, which are not part of it. */
  quoted: boolean;
  /** Bytes of the line in the file. */
  bytes: number;
  /** Whether it is the rest of a line that is too long: turnserver takes it for a line of its own. */
  rest: boolean;
}

/** coturn reads a line into a buffer of 1,024 bytes; the rest is read as a line of its own. */
export const LINE_BYTES = 1023;

/**
 * The settings of a configuration, by coturn's own grammar: a name up to the first space, tab or `=`, then the value, whose
 * quotes are taken off. Comments begin at the beginning of a line only: one behind a value is part of the value. White space is
 * C's, not Unicode's, so that a byte order mark belongs to the name.
 * @see coturn, src/apps/relay/mainrelay.c, read_config_file() and parse_arg_string()
 */
export function parseSettings(text: string): Setting[] {
  return text.split('\n').flatMap((line, index) => {
    const bytes = Buffer.byteLength(line);
    return pieces(line, bytes).flatMap(({ piece, before }, part) => {
      const start = /^[ \t]*/.exec(piece)?.[0].length ?? 0;
      const content = piece.slice(start).replace(/[ \t\v\f\r]+$/, '');
      if (content === '' || content.startsWith('#')) return [];
      const [, name = '', rest = ''] = /^([^ =\t]*)[ =\t]*([\s\S]*)$/.exec(content) ?? [];
      const quoted = rest.startsWith('"');
      const value = quoted ? rest.slice(1).replace(/"$/, '') : rest;
      return [{ line: index + 1, column: before + start + 1, name, value, quoted, bytes, rest: part > 0 }];
    });
  });
}

/** What fgets() makes of a line, each piece with the characters before it. */
function pieces(line: string, bytes: number): { piece: string; before: number }[] {
  if (bytes <= LINE_BYTES) return [{ piece: line, before: 0 }];
  const all = Buffer.from(line);
  const found = [];
  let before = 0;
  for (let at = 0; at < all.length; at += LINE_BYTES) {
    const piece = all.toString('utf8', at, at + LINE_BYTES);
    found.push({ piece, before });
    before += piece.length;
  }
  return found;
}

/** Releases that end at what is no port. @see coturn, mainrelay.c, get_port_value() */
export const STRICT_PORTS = '>=4.13.0';

/** What coturn takes a yes-or-no value for; undefined where it refuses to start. @see get_bool_value() */
export function booleanOf(value: string): boolean | undefined {
  if (value === '') return true;
  if (/^[0nNfF]/.test(value) || ['off', 'OFF', 'Off'].includes(value)) return false;
  return /^[yYtT1-9]/.test(value) || ['on', 'ON', 'On'].includes(value) ? true : undefined;
}

/** A number as atoi(3) reads it: a sign and the digits at the beginning, else 0. */
export function leadingNumber(value: string | undefined): number {
  return Number(/^\s*([-+]?\d+)/.exec(value ?? '')?.[1] ?? 0);
}

/** A port as turnserver reads it, which may be 0: what does not fit 16 bits is cut off. */
export function portOf(setting: Setting | undefined, without: number): number {
  return setting === undefined ? without : leadingNumber(setting.value) & 0xffff;
}
