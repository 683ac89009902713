import type { CheckResult } from '../manifest/schema.ts';

/** What the checks of a group are about; a group is what precedes the first dot of an id. */
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
};

const OTHER = 'other';

/** The subject of a check: a short name. */
export function subjectOf({ id }: Pick<CheckResult, 'id'>): string {
  return id.includes('.') ? (id.split('.')[0] ?? OTHER) : OTHER;
}

/** A subject in words. */
export function subjectTitle(subject: string): string {
  return subject === OTHER ? 'Other checks' : (SUBJECTS[subject] ?? subject);
}
