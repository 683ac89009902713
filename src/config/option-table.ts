import { type Reading, readingsOf } from './option-reading.ts';

/** A long option of a turnserver. */
export interface ConfigOption {
  name: string;
  value: 'none' | 'optional' | 'required';
  /** Enclosing preprocessor conditions, e.g. `!defined(TURN_NO_PROMETHEUS)`. */
  conditions: string[];
  /** How turnserver reads the value; undefined if only the table is available. */
  reading?: Reading;
}

/** The option table cannot be read. */
export class OptionTableError extends Error {}

/** Every release since 4.5 has over a hundred options. Far fewer mean that parsing has failed. */
const LEAST_OPTIONS = 50;

const KINDS: Readonly<Record<string, ConfigOption['value']>> = {
  no_argument: 'none',
  optional_argument: 'optional',
  required_argument: 'required',
  0: 'none',
  1: 'required',
  2: 'optional',
};

/**
 * Reads the option table from coturn's src/apps/relay/mainrelay.c (`long_options[]`; `admin_long_options[]` is turnadmin's).
 * Configuration files use the same names. @throws OptionTableError
 */
export function parseOptionTable(source: string): ConfigOption[] {
  const begin = /(?<!\w)long_options\s*\[\s*\]\s*=\s*\{/.exec(source);
  if (begin === null) throw new OptionTableError('it has no long_options[]');
  const rest = source.slice(begin.index + begin[0].length);
  const end = /\}\s*;/.exec(rest);
  const table = rest.slice(0, end?.index).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const conditions: string[] = [];
  const options: ConfigOption[] = [];
  const readings = readingsOf(source);
  for (const line of table.split('\n')) {
    const directive = /^\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b\s*(.*)$/.exec(line);
    if (directive === null) options.push(...entriesOf(line, conditions, readings));
    else enter(conditions, directive[1] ?? '', (directive[2] ?? '').trim());
  }
  if (options.length < LEAST_OPTIONS)
    throw new OptionTableError(`its long_options[] has only ${options.length} entries`);
  return options;
}

function entriesOf(
  line: string,
  conditions: readonly string[],
  readings: ((key: string) => Reading) | undefined,
): ConfigOption[] {
  return [...line.matchAll(/\{\s*"([^"]+)"\s*,\s*(\w+)\s*,\s*\w+\s*,\s*('.'|\w+)/g)].map(
    ([, name = '', kind = '', key = '']) => ({
      name,
      value: KINDS[kind] ?? 'optional',
      conditions: [...conditions],
      ...(readings === undefined ? {} : { reading: readings(key) }),
    }),
  );
}

function enter(conditions: string[], directive: string, text: string): void {
  if (directive === 'if') conditions.push(text);
  else if (directive === 'ifdef') conditions.push(`defined(${text})`);
  else if (directive === 'ifndef') conditions.push(`!defined(${text})`);
  else {
    const last = conditions.pop() ?? '';
    if (directive === 'else') conditions.push(`!(${last})`);
    if (directive === 'elif') conditions.push(text);
  }
}

/** Parses the `NAME KIND` lines that the build writes for the turnserver that it has compiled. @throws OptionTableError */
export function parseOptionList(text: string): ConfigOption[] {
  const options = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', kind = ''] = line.split(' ');
      return { name, value: KINDS[kind] ?? 'optional', conditions: [] };
    });
  if (options.length < LEAST_OPTIONS) throw new OptionTableError(`it names only ${options.length} options`);
  return options;
}
