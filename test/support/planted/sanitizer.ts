import { readFileSync } from 'node:fs';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { sanitizerChecks } from '../../../src/checks/sanitizer-checks.ts';
import type { LabFacts } from '../../../src/lab/facts.ts';
import { parseLabFacts } from '../../../src/stages/verify/lab.ts';
import { packageFacts } from '../package-facts.ts';

const text = readFileSync(new URL('../../fixtures/verified-4.6.1/lab/lab.json', import.meta.url), 'utf8');
export const judge = (facts: Partial<PackageFacts>) => sanitizerChecks[0]?.judge(packageFacts(facts));
export type Sanitized = LabFacts & { sanitized: NonNullable<LabFacts['sanitized']> };

export function good(): Sanitized {
  const lab = parseLabFacts(text);
  if (lab.sanitized === undefined) throw new Error('the fixture has no turnserver with AddressSanitizer');
  return lab as Sanitized;
}

/** The fault, and the message of the check that it fails. */
export const PLANTED: [string, (lab: Sanitized) => void, RegExp][] = [
  [
    'an AddressSanitizer report with a crash',
    ({ sanitized, logs, servers }) => {
      Object.assign(sanitized, { ended: 'SIGABRT', packets: 350, suspects: ['00', '0003dead'] });
      logs.sanitized =
        '==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60\nREAD of size 4\nSUMMARY: AddressSanitizer: heap-buffer-overflow src/client/ns_turn_msg.c:1 in stun_attr_get_len\n==7==ABORTING\n';
      servers.sanitized = 'SIGABRT';
    },
    /^heap-buffer-overflow src\/client\/ns_turn_msg\.c:1 in stun_attr_get_len; after 350 packets .*SIGABRT.*0003dead/,
  ],
  [
    'an AddressSanitizer report without a summary',
    ({ logs }) => {
      logs.sanitized = '==7==ERROR: AddressSanitizer: stack-overflow on address 0x7f\n';
    },
    /^stack-overflow/,
  ],
  [
    'a valid client that is refused',
    ({ sanitized }) => Object.assign(sanitized, { afterwards: '508' }),
    /508/,
  ],
  [
    'a server that crashed after the packets',
    ({ servers }) => {
      servers.sanitized = 'SIGABRT';
    },
    /turnserver exited with SIGABRT/,
  ],
  [
    'too few packets',
    ({ sanitized }) => Object.assign(sanitized, { packets: 10 }),
    /only 10 packets were sent \(at least 20000 required\)/,
  ],
];
