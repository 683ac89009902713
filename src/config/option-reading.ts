/**
 * How turnserver reads an option's value: as a boolean, number or text. `flag`: it ignores the value, and naming the option enables it.
 * `none`: it ignores the option, which is deprecated. `fatal`: it refuses to start, because the option is for the command line only.
 */
export type Reading = 'boolean' | 'number' | 'text' | 'flag' | 'none' | 'fatal';

/**
 * Determines from mainrelay.c how set_option() and read_config_file() read each option.
 * @returns the reading by the option's value in the table, e.g. `'p'` or `TLS_PORT_OPT`; undefined if the functions are missing
 */
export function readingsOf(source: string): ((key: string) => Reading) | undefined {
  const bare = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const setter = bodyOf(bare, 'set_option');
  const reader = bodyOf(bare, 'read_config_file');
  if (setter === undefined || reader === undefined) return undefined;
  const early = earlyReadings(reader);
  const late = caseReadings(setter);
  return (key) => early.get(key) ?? late.get(key) ?? 'fatal';
}

/** The body of a function, whose closing brace is at the beginning of a line. */
function bodyOf(source: string, name: string): string | undefined {
  return new RegExp(`^static void ${name}\\([^;{]*\\)\\s*\\{([\\s\\S]*?)^\\}`, 'm').exec(source)?.[1];
}

/** Logging options, which turnserver reads before all others: `else if ((pass == 0) && (c == SYSLOG_OPT)) { ... }`. */
function earlyReadings(reader: string): Map<string, Reading> {
  const found = reader.matchAll(/\bpass\s*==\s*0\)\s*&&\s*\(c\s*==\s*('.'|\w+)\)\)\s*\{([^}]*)\}/g);
  return new Map([...found].map(([, key = '', code = '']) => [key, readingOf(code)]));
}

/** The cases of a switch. Consecutive labels share a body. */
function caseReadings(setter: string): Map<string, Reading> {
  const readings = new Map<string, Reading>();
  let open: string[] = [];
  const parts = setter.split(/\bcase\s+('.'|\w+)\s*:|\bdefault\s*:/);
  for (let i = 1; i < parts.length; i += 2) {
    const [label, code = ''] = [parts[i], parts[i + 1]];
    if (label === undefined) break;
    open.push(label);
    if (code.trim() === '') continue;
    for (const each of open) readings.set(each, readingOf(code));
    open = [];
  }
  return readings;
}

function readingOf(code: string): Reading {
  if (/\bget_bool_value\s*\(/.test(code)) return 'boolean';
  if (/\b(get_int_value|atoi|atol|strtou?l|strtou?ll|\w*port_value|\w*parse_port)\s*\(/.test(code))
    return 'number';
  if (/\b(value|optarg)\b/.test(code)) return 'text';
  // Without an assignment, turnserver at most logs that the option is deprecated.
  return /[^=!<>]=[^=]/.test(code) ? 'flag' : 'none';
}
