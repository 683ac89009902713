import type { LabFacts } from '../lab/facts.ts';
import { hostileComplaints } from './abuse-checks.ts';
import { type Check, cannotHere, complaints, fail, type Verdict } from './check.ts';
import { labCheck } from './lab-check.ts';

/** AddressSanitizer's own summary: the kind of error and its place. */
function sanitizerReport(log: string): string | undefined {
  const summary = /^SUMMARY: AddressSanitizer: (.*)$/m.exec(log)?.[1];
  const error = /ERROR: AddressSanitizer: (.*)$/m.exec(log)?.[1];
  return summary ?? error;
}

function judgeSanitizer({ sanitized, logs, servers }: LabFacts): Verdict {
  if (sanitized === undefined) return fail('turnserver with AddressSanitizer was not run');
  const { packets, seed, ended, afterwards } = sanitized;
  const report = sanitizerReport(logs.sanitized ?? '');
  const found = hostileComplaints(sanitized);
  if (report !== undefined) found.unshift(report);
  if (ended === undefined && afterwards === 'success' && servers.sanitized !== 'running')
    found.push(`turnserver exited with ${servers.sanitized ?? 'an unknown status'}`);
  return complaints(found, `${packets} packets of seed ${seed}, no AddressSanitizer report`, {
    packets,
    seed,
  });
}

export const sanitizerChecks: Check[] = [
  labCheck({
    id: 'packets.sanitizer',
    title: 'Hostile packets cause no invalid memory access (AddressSanitizer)',
    // Packets are stored in reused buffers of 64 KiB: AddressSanitizer misses a read past a packet's end that stays within its buffer.
    reason: 'An out-of-bounds access often causes no crash, but can disclose memory.',
    reference: 'https://github.com/google/sanitizers/wiki/AddressSanitizer',
    scenarios: ['sanitized'],
    without: ({ sanitizes }) =>
      sanitizes
        ? undefined
        : cannotHere(
            'AddressSanitizer needs a native build from source: not a prebuilt package, and not under QEMU',
          ),
    judge: judgeSanitizer,
  }),
];
