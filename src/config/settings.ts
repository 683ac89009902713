/** A setting in a turnserver.conf, as coturn reads it. */
export interface Setting {
  /** Counts from 1. */
  line: number;
  /** First column of the name, counting from 1. */
  column: number;
  name: string;
  /** Empty if there is none. */
  value: string;
  /** Whether the value was in quotes, which are removed. */
  quoted: boolean;
  /** Length of the whole line in bytes. */
  bytes: number;
  /** Whether it is the rest of an overlong line, which turnserver reads as a separate line. */
  rest: boolean;
}

/** coturn reads a line into a 1,024-byte buffer, and the rest as a separate line. */
export const LINE_BYTES = 1023;

/**
 * Parses a configuration with coturn's grammar: a name up to the first space, tab or `=`, then the value without its quotes. Only whole
 * lines can be comments; a comment after a value belongs to the value. White space is that of C, not of Unicode, so a byte order mark
 * belongs to the name.
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

/** Splits a line like fgets(). Each piece has the number of characters before it. */
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

/** Releases that exit at an invalid port. @see coturn, mainrelay.c, get_port_value() */
export const STRICT_PORTS = '>=4.13.0';

/** Parses a boolean like coturn; undefined if coturn refuses to start. @see get_bool_value() */
export function booleanOf(value: string): boolean | undefined {
  if (value === '') return true;
  if (/^[0nNfF]/.test(value) || ['off', 'OFF', 'Off'].includes(value)) return false;
  return /^[yYtT1-9]/.test(value) || ['on', 'ON', 'On'].includes(value) ? true : undefined;
}

/** Parses a number like atoi(3): an optional sign and leading digits, otherwise 0. */
export function leadingNumber(value: string | undefined): number {
  return Number(/^\s*([-+]?\d+)/.exec(value ?? '')?.[1] ?? 0);
}

/** Parses a port like turnserver, which truncates it to 16 bits. It may be 0. */
export function portOf(setting: Setting | undefined, without: number): number {
  return setting === undefined ? without : leadingNumber(setting.value) & 0xffff;
}
