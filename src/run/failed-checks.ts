import { TurnbuildError } from '../errors.ts';
import type { CheckResult } from '../manifest/schema.ts';
import { plural } from '../ui/format.ts';

/**
 * The text of a step's failed and blocked checks; empty if there are none. Causes come first, then each failed check. Blocked checks are only
 * counted.
 */
export function describeFailures(bad: readonly CheckResult[]): string {
  if (bad.length === 0) return '';
  const failed = bad.filter(({ status }) => status === 'failed');
  const blocked = bad.length - failed.length;
  const causes = [...new Set(failed.flatMap(({ cause }) => cause ?? []))];
  const counted =
    failed.length === 0
      ? `${plural(blocked, 'check')} could not run`
      : `${plural(failed.length, 'check')} failed${blocked > 0 ? `, ${blocked} could not run` : ''}`;
  return [...causes, counted, ...failed.map(({ id, message }) => `${id}: ${shortened(message)}`)].join('\n');
}

/** Longest message of a check on the terminal; the report has the full message. */
const MESSAGE_CHARS = 400;

function shortened(message: string): string {
  return message.length <= MESSAGE_CHARS ? message : `${message.slice(0, MESSAGE_CHARS).trimEnd()} …`;
}

/** The error VERIFY_FAILED for checks that did not pass. @param error from describeFailures */
export function verifyError(error: string, failed: readonly CheckResult[]): TurnbuildError {
  const known = [...new Set(failed.flatMap((check) => check.advisories ?? []))];
  return new TurnbuildError('VERIFY_FAILED', error, {
    hint: failed.every((check) => check.advisories !== undefined)
      ? `Use a release with the fix, or accept the risk: --accept ${known.join(',')}`
      : "The report shows every check; the step's log shows what happened.",
  });
}
