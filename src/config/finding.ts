import type { ConfigOption } from './option-table.ts';
import type { Setting } from './settings.ts';

/** What a configuration is held against. */
export interface LintContext {
  /** The coturn version. */
  version: string;
  /** The option table of exactly this version. */
  options: readonly ConfigOption[];
  /** Options that some version had and another has not: `recipes/options.yaml`. */
  removed: readonly { option: string; removed: string; note: string }[];
}

/** How much a finding weighs: an error is a hole or does nothing, a warning is worth a thought, a note is for information. */
export type Level = 'error' | 'warning' | 'note';

/** Something that is wrong with a configuration. */
export interface Finding {
  rule: RuleId;
  level: Level;
  /** Counts from 1; undefined where something is missing. */
  line: number | undefined;
  column: number | undefined;
  message: string;
}

/** Every rule, and why it exists. */
export const RULES = {
  'unknown-option':
    'turnserver only warns about a line that it does not know, and runs without it: a misspelt denied-peer-ip is an open relay.',
  'removed-option': 'Newer versions do not know the option any more, and run without it.',
  'optional-feature': 'The option is there only in a turnserver that was built with the feature.',
  'missing-value': 'Without its value the option does nothing.',
  'line-too-long': 'turnserver reads 1,023 bytes of a line, and takes the rest for another one.',
  'trailing-text': 'Only a whole line can be a comment: behind a value it belongs to the value.',
  'invalid-boolean': 'turnserver refuses to start with it.',
  'switched-off': 'The value means no: the line does the opposite of what it looks like.',
  'invalid-number': 'turnserver takes what is no number for 0, or for another number.',
  'port-range': 'Relay ports are given out from the lower to the upper end.',
  'invalid-range':
    'Peer ranges are written START-END; versions from 4.11 on refuse to start with anything else.',
  'inverted-range': 'A range whose end is below its start holds nothing.',
  'range-without-start':
    'A range that begins with an address of all zeros has no lower end for turnserver: one of IPv6 holds all of IPv4, too.',
  'peer-not-denied':
    'The relay stands inside: its neighbours, its loopback and the metadata service trust it.',
  'single-guard':
    'Its guards have been got past before (CVE-2026-53450); a line of the configuration is a second one.',
  'peer-allowed': 'allowed-peer-ip beats every denied-peer-ip.',
  'public-peer-denied': 'Calls go to peers on the public internet.',
  'open-relay': 'Without credentials everybody can send through this server, in its name.',
  'missing-realm': 'Long-term credentials belong to a realm.',
  'known-secret': "It is in everybody's examples, so it is the first that is tried.",
  'weak-secret': 'A shared secret can be guessed offline from any credential that was made with it.',
  'missing-protection': 'The default of this version is the less safe one.',
  administration: 'It opens a port that can end sessions and read credentials.',
  'public-metrics': 'They name users and traffic, to whoever can reach the port.',
} as const;

export type RuleId = keyof typeof RULES;

/** A finding at a setting, or about the whole file. */
export function finding(rule: RuleId, level: Level, at: Setting | undefined, message: string): Finding {
  return { rule, level, line: at?.line, column: at?.column, message };
}
