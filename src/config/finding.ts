import type { ConfigOption } from './option-table.ts';
import type { Setting } from './settings.ts';

/** What a configuration is held against. */
export interface LintContext {
  /** The coturn version. */
  version: string;
  /** The option table of exactly this version. */
  options: readonly ConfigOption[];
  /** Why the version must not be shipped. */
  quarantined?: string | undefined;
}

/**
 * How much a finding weighs. An error is a hole, a line that does nothing, or one that turnserver does not start with. A warning
 * weakens the server, or may: look at it. A note is for information: what is guarded once and could be guarded twice.
 */
export type Level = 'error' | 'warning' | 'note';

/** What a finding does to the whole server: turnserver does not start with a fatal one. */
export type Effect = 'fatal';

/** Something that is wrong with a configuration. */
export interface Finding {
  rule: RuleId;
  level: Level;
  effect?: Effect;
  /** Counts from 1; undefined where something is missing. */
  line: number | undefined;
  column: number | undefined;
  message: string;
  /** Why it does not count; `inFile` if a comment of the configuration says so. */
  accepted?: { reason: string; inFile: boolean };
}

/** Every rule: why it exists, and what to do. */
export const RULES = {
  'unknown-option': {
    reason:
      'turnserver only warns about a line that it does not know, and runs without it: a misspelt denied-peer-ip is an open relay.',
    hint: 'Correct the name, or take the line out.',
  },
  'removed-option': {
    reason: 'This version does not know the option any more, and runs without it.',
    hint: 'Take the line out, and see that what it was for is done otherwise.',
  },
  'command-line-only': {
    reason: 'In a file, turnserver prints its usage and ends.',
    hint: 'Take the line out.',
  },
  'unused-option': {
    reason: 'The line has no effect.',
    hint: 'Remove it, or add the option that it needs.',
  },
  'not-served': {
    reason: 'turnserver starts without the service, and clients that ask for it get no answer.',
    hint: 'Set cert and pkey to files that the server user can read.',
  },
  'invalid-acceptance': {
    reason: 'An acceptance that matches nothing hides nothing, and may be mistaken for one that does.',
    hint: 'Write it above the line that it is for: # turnbuild: accept RULE: REASON',
  },
  'quarantined-release': {
    reason: 'The release has a defect that makes it unfit for production.',
    hint: 'Upgrade coturn.',
  },
  'unreviewed-option': {
    reason: 'An option that turnbuild does not know may open what no rule looks at.',
    hint: "Read about it in coturn's documentation, and update turnbuild.",
  },
  placeholder: {
    reason: 'Everyone who has seen the template or the example knows the value, or turnserver cannot use it.',
    hint: 'Replace it. If it is a variable, check that it is expanded before turnserver reads the file.',
  },
  'optional-feature': {
    reason: 'The option is there only in a turnserver that was built with the feature.',
    hint: 'See that your package has it; other builds ignore the line.',
  },
  'missing-value': {
    reason: 'turnserver uses the empty value: a number is 0, and a name or an address is missing.',
    hint: 'Write NAME=VALUE. If the value is a variable, check that it is set.',
  },
  'line-too-long': {
    reason: 'turnserver reads 1,023 bytes of a line, and takes the rest for another one, of a comment, too.',
    hint: 'Make two lines of it, or a shorter one.',
  },
  'trailing-text': {
    reason: 'Only a whole line can be a comment: what follows a value belongs to the value.',
    hint: 'Put comments on lines of their own; put a value that has spaces in quotes.',
  },
  'invalid-boolean': {
    reason: 'turnserver refuses to start with it.',
    hint: 'Write yes or no, or no value at all.',
  },
  'ignored-value': {
    reason: 'turnserver does not read the value of this option: to name it is to switch it on.',
    hint: 'Take the line out to switch it off.',
  },
  'switched-off': {
    reason: 'The value means no: the line does the opposite of what it looks like.',
    hint: 'Take the value out to switch it on, or the line to leave it off.',
  },
  'repeated-option': {
    reason: 'Of an option that has one value only, the last line wins.',
    hint: 'Keep one of the lines.',
  },
  conflict: { reason: 'turnserver refuses to start with it.', hint: 'Take one of the two out.' },
  'invalid-number': {
    reason:
      'What is no number is taken for 0, or for the digits that it begins with; a default takes the place of what is out of bounds. For ports, newer versions refuse to start.',
    hint: 'Write decimal digits only, within the bounds.',
  },
  'invalid-value': {
    reason: 'turnserver keeps the default, or does not find what was meant.',
    hint: "Write what coturn's documentation of the option allows.",
  },
  'invalid-address': {
    reason: 'turnserver logs an error, and runs without the line.',
    hint: 'Correct the address.',
  },
  'unreachable-address': {
    reason:
      'Clients give it to their peers as the address of their relay; peers that cannot reach it send nothing.',
    hint: 'Write the public address, or external-ip=PUBLIC/PRIVATE behind a NAT.',
  },
  'invalid-account': {
    reason: 'turnserver refuses to start with an account that does not exist.',
    hint: 'Name a user or group of the machine.',
  },
  'port-range': {
    reason: 'Each allocation takes a port of its own, from the lower to the upper end.',
    hint: 'Write a range such as min-port=49152 and max-port=65534.',
  },
  'invalid-range': {
    reason: 'turnserver runs without the range, and does not start at all from 4.11 on.',
    hint: 'Write START-END of two IP addresses, or one address: 10.0.0.0-10.255.255.255 for 10.0.0.0/8.',
  },
  'inverted-range': {
    reason: 'A range whose end is below its start holds nothing.',
    hint: 'Write the lower address first.',
  },
  'open-range': {
    reason:
      'An end that is missing, or an address of all zeros, is no limit for turnserver: such a range of IPv6 holds IPv4, too.',
    hint: 'Write both ends, and begin ranges of IPv6 with ::1.',
  },
  'peer-not-denied': {
    reason: 'The relay stands inside: its neighbours, its loopback and the metadata service trust it.',
    hint: 'Deny everything that is not on the public internet. turnbuild lint-config --print-deny prints the lines.',
  },
  'unroutable-peer': {
    reason:
      'It should lead nowhere. Networks and tunnels that use it all the same would be within reach of every user.',
    hint: 'Deny everything that is not on the public internet. turnbuild lint-config --print-deny prints the lines.',
  },
  'single-guard': {
    reason:
      "One guard alone denies it. turnserver's own have been got past before (CVE-2026-53450), and a line is lost easily.",
    hint: 'Add the other guard, too.',
  },
  'peer-allowed': {
    reason: 'What is allowed beats every denied-peer-ip.',
    hint: 'Let nothing listen there that TURN users may not use, or take the line out.',
  },
  'public-peer-denied': {
    reason: 'Calls go to peers on the public internet.',
    hint: 'Deny less, unless the only peers are those of allowed-peer-ip.',
  },
  'open-relay': {
    reason: 'Without credentials everybody can send through this server, in its name.',
    hint: 'Set lt-cred-mech, or use-auth-secret with a static-auth-secret, and neither no-auth nor a value behind it.',
  },
  'server-relay': {
    reason:
      'Nobody has to be permitted by a user: every packet from the internet gets through to the client.',
    hint: 'Take the line out.',
  },
  'missing-realm': { reason: 'Long-term credentials belong to a realm.', hint: 'Set realm to your domain.' },
  'invalid-user': {
    reason: 'turnserver logs an error, and the account does not exist.',
    hint: 'Write user=NAME:PASSWORD.',
  },
  'rest-separator': {
    reason: 'Expiry times contain the digit, so turnserver reads a part of the number, which is long past.',
    hint: 'Use a character other than a digit, e.g. the default, a colon.',
  },
  'known-secret': {
    reason: 'Whoever tries it first gets in: it is empty, or stands in published examples.',
    hint: 'Make one of your own: openssl rand -hex 32.',
  },
  'weak-secret': {
    reason: 'A shared secret can be guessed offline from any credential that was made with it.',
    hint: 'Make a long one: openssl rand -hex 32.',
  },
  'weak-crypto': {
    reason: 'It can be broken, or there is something better that every client knows.',
    hint: 'Take the line out: the default is better.',
  },
  'missing-protection': {
    reason: 'What is not said is left to the default of the version, which may be the less safe one.',
    hint: 'Add the option that the message names.',
  },
  'protection-off': {
    reason: 'This version is safer without the option.',
    hint: 'Remove it, unless clients need it.',
  },
  administration: {
    reason: 'Who reaches a port for administration can end sessions and read credentials.',
    hint: 'Leave it off; if you need it, keep it on loopback.',
  },
  'public-metrics': {
    reason: 'They name users and traffic, to whoever can reach the port.',
    hint: 'Bind them to loopback, or keep the port behind a firewall.',
  },
} as const;

export type RuleId = keyof typeof RULES;

/** A finding at a setting, or about the whole file. */
export function finding(
  rule: RuleId,
  level: Level,
  at: Pick<Setting, 'line' | 'column'> | undefined,
  message: string,
  effect?: Effect,
): Finding {
  const found: Finding = { rule, level, line: at?.line, column: at?.column, message };
  return effect === undefined ? found : { ...found, effect };
}
