/** One setting of a turnserver.conf, as coturn reads it. */
export interface Setting {
  /** Counts from 1. */
  line: number;
  /** First column of the name, counts from 1. */
  column: number;
  name: string;
  /** Empty if there is none. */
  value: string;
  /** The line as it stands in the file. */
  text: string;
}

/** coturn reads a line into a buffer of 1,024 bytes; the rest is read as a line of its own. */
export const LINE_BYTES = 1023;

/**
 * The settings of a configuration, by coturn's own grammar: a name up to the first space, tab or `=`, then the value, whose
 * quotes are taken off. Comments begin at the beginning of a line only: one behind a value is part of the value.
 * @see coturn, src/apps/relay/mainrelay.c, read_config_file() and parse_arg_string()
 */
export function parseSettings(text: string): Setting[] {
  return text.split('\n').flatMap((line, index) => {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) return [];
    const [, name = '', rest = ''] = /^([^ =\t]*)[ =\t]*(.*)$/.exec(content) ?? [];
    const value = rest.startsWith('"') ? rest.slice(1).trimEnd().replace(/"$/, '') : rest;
    return [{ line: index + 1, column: line.indexOf(content) + 1, name, value, text: line }];
  });
}

/** What coturn takes a yes-or-no value for; undefined where it refuses to start. @see get_bool_value() */
export function booleanOf(value: string): boolean | undefined {
  if (value === '') return true;
  if (/^[0nNfF]/.test(value) || ['off', 'OFF', 'Off'].includes(value)) return false;
  return /^[yYtT1-9]/.test(value) || ['on', 'ON', 'On'].includes(value) ? true : undefined;
}

/** Whether a yes-or-no option is set to yes. */
export function isOn(settings: readonly Setting[], name: string): boolean {
  return settings.some((setting) => setting.name === name && booleanOf(setting.value) === true);
}
