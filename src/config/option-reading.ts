/**
 * What turnserver does with an option's value: reads it as yes or no, as a number or as text, does not look at it (`flag`:
 * to name the option is to switch it on, whatever the value says), does nothing at all with the option (`none`: it is deprecated),
 * or refuses to start because the option is for the command line only (`fatal`).
 */
export type Reading = 'boolean' | 'number' | 'text' | 'flag' | 'none' | 'fatal';

/**
 * Reads out of mainrelay.c what set_option() and read_config_file() do with each option.
 * @returns by the option's value in the table, e.g. `'p'` or `TLS_PORT_OPT`; undefined if the functions are not there
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

/** The text between a function's braces, which end at the beginning of a line. */
function bodyOf(source: string, name: string): string | undefined {
  return new RegExp(`^static void ${name}\\([^;{]*\\)\\s*\\{([\\s\\S]*?)^\\}`, 'm').exec(source)?.[1];
}

/** Options about logging are read before all others: `else if ((pass == 0) && (c == SYSLOG_OPT)) { ... }`. */
function earlyReadings(reader: string): Map<string, Reading> {
  const found = reader.matchAll(/\bpass\s*==\s*0\)\s*&&\s*\(c\s*==\s*('.'|\w+)\)\)\s*\{([^}]*)\}/g);
  return new Map([...found].map(([, key = '', code = '']) => [key, readingOf(code)]));
}

/** The cases of a switch; labels that follow each other share what follows them. */
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
  // Nothing is set: at most a message says that the option is deprecated.
  return /[^=!<>]=[^=]/.test(code) ? 'flag' : 'none';
}
