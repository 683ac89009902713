import type { ConfigOption } from './option-table.ts';
import type { Setting } from './settings.ts';

/** The version against which a configuration is checked. */
export interface LintContext {
  /** The coturn version. */
  version: string;
  /** The option table of exactly this version. */
  options: readonly ConfigOption[];
  /** Why the version must not be shipped. */
  quarantined?: string | undefined;
}

/**
 * Severity of a finding. An error is a security hole, an ignored line, or a startup failure. A warning weakens the server, or may. A note is
 * for information, e.g. a peer that only one guard denies.
 */
export type Level = 'error' | 'warning' | 'note';

/** With a fatal finding, turnserver does not start, or crashes. */
export type Effect = 'fatal';

/** A problem in a configuration. */
export interface Finding {
  rule: RuleId;
  level: Level;
  effect?: Effect;
  /** Counts from 1; undefined if something is missing from the file. */
  line: number | undefined;
  column: number | undefined;
  message: string;
  /** Set if the finding is accepted; `inFile` if by a comment in the configuration. */
  accepted?: { reason: string; inFile: boolean };
}

/** All rules, with the reason and a hint for the user. */
export const RULES = {
  'unknown-option': {
    reason:
      'turnserver only warns about an unknown line and ignores it: a misspelt denied-peer-ip opens the relay.',
    hint: 'Correct the name, or remove the line.',
  },
  'removed-option': {
    reason: 'This version no longer has the option and ignores the line.',
    hint: 'Remove the line, and use the alternative if the message names one.',
  },
  'command-line-only': {
    reason: 'If a configuration file sets it, turnserver prints its usage and exits.',
    hint: 'Remove the line.',
  },
  'unused-option': {
    reason: 'The line has no effect.',
    hint: 'Remove it, or add the option that it requires.',
  },
  'not-served': {
    reason: 'turnserver starts without the service, and clients that request it get no answer.',
    hint: 'Set cert and pkey to files that the server user can read.',
  },
  'invalid-acceptance': {
    reason: 'An acceptance that matches nothing has no effect, but readers may rely on it.',
    hint: 'Write it above the line that it applies to: # turnbuild: accept RULE: REASON',
  },
  'quarantined-release': {
    reason: 'The release has a defect that makes it unfit for production.',
    hint: 'Upgrade coturn.',
  },
  'unreviewed-option': {
    reason: 'An option that turnbuild does not know may be a security hole that no rule detects.',
    hint: "See coturn's documentation, and update turnbuild.",
  },
  placeholder: {
    reason: 'The value is public in a template or example, or turnserver cannot use it.',
    hint: 'Replace it. If it is a variable, check that it is expanded before turnserver reads the file.',
  },
  'optional-feature': {
    reason: 'The option exists only in a turnserver built with the feature.',
    hint: 'Make sure that your package has it; other builds ignore the line.',
  },
  'missing-value': {
    reason: 'turnserver reads an empty number as 0, and an empty name or address as none.',
    hint: 'Write NAME=VALUE. If the value is a variable, check that it is set.',
  },
  'line-too-long': {
    reason:
      'turnserver reads 1,023 bytes of a line and treats the rest as another line, even after a comment.',
    hint: 'Shorten the line, or split it in two.',
  },
  'trailing-text': {
    reason: 'Only a whole line can be a comment: text after a value belongs to the value.',
    hint: 'Put comments on separate lines, and quote values with spaces.',
  },
  'invalid-boolean': {
    reason: 'turnserver refuses to start with it.',
    hint: 'Write yes or no, or omit the value.',
  },
  'ignored-value': {
    reason: 'turnserver ignores the value of this option: naming it enables it.',
    hint: 'Remove the line to disable it.',
  },
  'switched-off': {
    reason: 'The value means no: the line does the opposite of what it seems to do.',
    hint: 'Remove the value to enable the option, or the line to leave it disabled.',
  },
  'repeated-option': {
    reason: 'If an option takes a single value, the last line wins.',
    hint: 'Keep one of the lines.',
  },
  conflict: { reason: 'turnserver refuses to start with it.', hint: 'Remove one of the two.' },
  'invalid-number': {
    reason:
      'turnserver reads text as 0 or as its leading digits, and replaces a number out of bounds with the default. For ports, newer versions refuse to start.',
    hint: 'Write only decimal digits, within the bounds.',
  },
  'invalid-value': {
    reason: 'turnserver keeps the default, or does not find what the value refers to.',
    hint: "See the allowed values in coturn's documentation.",
  },
  'invalid-address': {
    reason: 'turnserver logs an error and ignores the line.',
    hint: 'Correct the address.',
  },
  'unreachable-address': {
    reason:
      'Clients send it to their peers as the relay address; peers that cannot reach it cannot send anything.',
    hint: 'Write the public address, or external-ip=PUBLIC/PRIVATE behind a NAT.',
  },
  'invalid-account': {
    reason: 'turnserver refuses to start with an account that does not exist.',
    hint: 'Use an existing user or group of the machine.',
  },
  'port-range': {
    reason: 'Each allocation takes one port between the lower and the upper end.',
    hint: 'Write a range such as min-port=49152 and max-port=65534.',
  },
  'invalid-range': {
    reason: 'turnserver ignores the range; from 4.11 on, it does not start.',
    hint: 'Write START-END with two IP addresses, or a single address: 10.0.0.0-10.255.255.255 for 10.0.0.0/8.',
  },
  'inverted-range': {
    reason: 'A range whose end is below its start is empty.',
    hint: 'Write the lower address first.',
  },
  'open-range': {
    reason:
      'turnserver treats a missing end or an all-zero address as no limit: such an IPv6 range also covers IPv4.',
    hint: 'Write both ends, and start IPv6 ranges with ::1.',
  },
  'peer-not-denied': {
    reason:
      'The relay is inside the network: neighbouring machines, its loopback and the metadata service trust it.',
    hint: 'Deny everything that is not on the public internet. turnbuild lint-config --print-deny prints the lines.',
  },
  'unroutable-peer': {
    reason:
      'The range should be unused. If a network or tunnel uses it anyway, every TURN user can reach it.',
    hint: 'Deny everything that is not on the public internet. turnbuild lint-config --print-deny prints the lines.',
  },
  'single-guard': {
    reason:
      "Only one guard denies it. turnserver's own guards have been bypassed before (CVE-2026-53450), and one line is easily deleted.",
    hint: 'Deny it with denied-peer-ip as well.',
  },
  'peer-allowed': {
    reason: 'allowed-peer-ip overrides every denied-peer-ip.',
    hint: 'Make sure that nothing there must be protected from TURN users, or remove the line.',
  },
  'public-peer-denied': {
    reason: 'The peers of calls are on the public internet.',
    hint: 'Deny less, unless the only peers are those of allowed-peer-ip.',
  },
  'open-relay': {
    reason: 'Without credentials, anyone can send traffic through this server and from its address.',
    hint: 'Set lt-cred-mech, or use-auth-secret with a static-auth-secret. Do not set no-auth, and write lt-cred-mech and use-auth-secret without a value.',
  },
  'server-relay': {
    reason: 'Without permissions, every packet from the internet reaches the client.',
    hint: 'Remove the line.',
  },
  'missing-realm': { reason: 'Long-term credentials belong to a realm.', hint: 'Set realm to your domain.' },
  'invalid-user': {
    reason: 'turnserver logs an error and does not create the account.',
    hint: 'Write user=NAME:PASSWORD.',
  },
  'rest-separator': {
    reason: 'turnserver truncates an expiry time at that digit and treats the credentials as expired.',
    hint: 'Use a character that is not a digit, for example the default, a colon.',
  },
  'known-secret': {
    reason: 'It is empty or well known, so attackers try it first.',
    hint: 'Generate one: openssl rand -hex 32.',
  },
  'weak-secret': {
    reason: 'An attacker can guess a shared secret offline from any credential made with it.',
    hint: 'Generate a long one: openssl rand -hex 32.',
  },
  'weak-crypto': {
    reason: 'The line allows broken or obsolete cryptography.',
    hint: 'Remove the line: the default is better.',
  },
  'missing-protection': {
    reason: "If unset, the version's default applies, which may be less safe.",
    hint: 'Add the option that the message names.',
  },
  'protection-off': {
    reason: 'This version is safer without the option.',
    hint: 'Remove it, unless clients need it.',
  },
  administration: {
    reason: 'Anyone who can reach the admin port can end sessions and read credentials.',
    hint: 'Leave it off, or bind it to loopback.',
  },
  'public-metrics': {
    reason: 'They disclose users and traffic to anyone who can reach the port.',
    hint: 'Bind them to loopback, or keep the port behind a firewall.',
  },
} as const;

export type RuleId = keyof typeof RULES;

/** Creates a finding at a setting or, without `at`, about the whole file. */
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
