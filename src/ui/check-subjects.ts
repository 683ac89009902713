import type { CheckResult } from '../manifest/schema.ts';

/** Titles of the groups of checks; a group is what precedes the first dot of an id. */
const SUBJECTS: Readonly<Record<string, string>> = {
  elf: 'Programs: architecture, libraries, hardening',
  package: 'Package contents',
  install: 'Installation, upgrade and removal',
  stun: 'STUN test vectors',
  server: 'Server with the shipped configuration',
  relay: 'Relaying',
  network: 'Relaying across a router',
  answers: 'Answers compared with the RFCs',
  peers: 'Forbidden peers',
  packets: 'Hostile packets',
  capacity: 'Capacity',
  metrics: 'Prometheus metrics',
  service: 'systemd service',
  tarball: 'Tarball',
  image: 'Machine image: disk contents',
  machine: 'Machine image: boot and operation',
};

const OTHER = 'other';

/** The group of a check. */
export function subjectOf({ id }: Pick<CheckResult, 'id'>): string {
  return id.includes('.') ? (id.split('.')[0] ?? OTHER) : OTHER;
}

/** The title of a group. */
export function subjectTitle(subject: string): string {
  return subject === OTHER ? 'Other checks' : (SUBJECTS[subject] ?? subject);
}
