import type { LabFacts } from '../lab/facts.ts';
import { hostileComplaints } from './abuse-checks.ts';
import { type Check, cannotHere, complaints, fail, type Verdict } from './check.ts';
import { labCheck } from './lab-check.ts';

/** What AddressSanitizer has said, in its own words: the kind of error, and where. */
function sanitizerReport(log: string): string | undefined {
  const summary = /^SUMMARY: AddressSanitizer: (.*)$/m.exec(log)?.[1];
  const error = /ERROR: AddressSanitizer: (.*)$/m.exec(log)?.[1];
  return summary ?? error;
}

function judgeSanitizer({ sanitized, logs, servers }: LabFacts): Verdict {
  if (sanitized === undefined) return fail('turnserver with AddressSanitizer was not tried');
  const { packets, seed, ended, afterwards } = sanitized;
  const report = sanitizerReport(logs.sanitized ?? '');
  const found = hostileComplaints(sanitized);
  if (report !== undefined) found.unshift(report);
  if (ended === undefined && afterwards === 'success' && servers.sanitized !== 'running')
    found.push(`it has ended with ${servers.sanitized ?? 'nothing known'}`);
  return complaints(found, `${packets} packets of seed ${seed}, no report`, { packets, seed });
}

export const sanitizerChecks: Check[] = [
  labCheck({
    id: 'packets.sanitizer',
    title: 'Hostile packets make turnserver touch no memory but its own, as AddressSanitizer sees it',
    // Packets lie in buffers of 64 KiB, which are used again: a read behind a packet's end that stays within its buffer is not seen.
    reason:
      'An access outside of what was allocated crashes nothing most of the time, and may send what lies there to a stranger.',
    reference: 'https://github.com/google/sanitizers/wiki/AddressSanitizer',
    scenarios: ['sanitized'],
    without: ({ sanitizes }) =>
      sanitizes
        ? undefined
        : cannotHere('only what is compiled here, and for this very processor, runs with AddressSanitizer'),
    judge: judgeSanitizer,
  }),
];
