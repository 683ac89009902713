import type { LintContext } from './finding.ts';
import { knownReading } from './option-catalogue.ts';
import type { Reading } from './option-reading.ts';
import type { ConfigOption } from './option-table.ts';
import { booleanOf, type Setting } from './settings.ts';

/** The settings that a turnserver applies: those for which it has an option. */
export interface Configuration {
  settings: readonly Setting[];
  /** The last setting of a name, which wins if the option has a single value. */
  last(name: string): Setting | undefined;
  /** Whether a boolean option is finally on. */
  isOn(name: string): boolean;
  /** Whether this version has the option. */
  has(name: string): boolean;
}

/** How turnserver reads the value of an option. */
export function readingOf({ name, reading }: ConfigOption, version: string): Reading {
  return reading ?? knownReading(name, version);
}

/** Whether the telnet interface is on, given a password: from 4.10 on if `cli` is set, before that unless `no-cli` is set. */
export function hasTelnet({ has, isOn }: Configuration): boolean {
  return has('cli') ? isOn('cli') : !isOn('no-cli');
}

/** All settings of a file except those that this version ignores because it lacks the option. */
export function configurationOf(settings: readonly Setting[], context: LintContext): Configuration {
  const table = new Map(context.options.map((option) => [option.name, option]));
  const known = settings.filter(({ name }) => table.has(name));
  const last = (name: string) => known.findLast((setting) => setting.name === name);
  return {
    settings: known,
    last,
    isOn(name) {
      const [setting, option] = [last(name), table.get(name)];
      if (setting === undefined || option === undefined) return false;
      const reading = readingOf(option, context.version);
      return reading === 'flag' || (reading !== 'none' && booleanOf(setting.value) === true);
    },
    has: (name) => table.has(name),
  };
}
