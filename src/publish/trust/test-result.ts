import type { CheckResult } from '../../manifest/schema.ts';
import type { PlanDocument } from '../../plan/document.ts';
import { planned } from './provenance.ts';
import type { MadeFiles } from './release-files.ts';
import type { Resource } from './statement.ts';

/** A check without a result, or whose failure was accepted. */
export interface Exception {
  check: string;
  title: string;
  message: string;
  advisories?: readonly string[];
}

/** The predicate of a test result: in-toto Attestation Framework, spec/predicates/test-result.md, version 0.1. */
export interface TestResult {
  /** `WARNED`: some checks failed because of accepted advisories. */
  result: 'PASSED' | 'WARNED' | 'FAILED';
  /** The step that ran the checks. */
  configuration: Resource[];
  /** Ids of checks. */
  passedTests: string[];
  warnedTests: string[];
  failedTests: string[];
}

/** Which checks files passed, as the manifest records it. */
export function testResultOf({ verification }: MadeFiles, plan: PlanDocument | undefined): TestResult {
  const { id, key, checks = [], bases } = verification;
  const of = (...statuses: CheckResult['status'][]) =>
    checks.filter(({ status }) => statuses.includes(status));
  const idsOf = (list: readonly CheckResult[]) => list.map((check) => check.id);
  const [accepted, failed] = [of('accepted'), of('failed', 'blocked')];
  const inputs = planned(verification, plan)?.inputs;
  return {
    result: failed.length > 0 ? 'FAILED' : accepted.length > 0 ? 'WARNED' : 'PASSED',
    configuration: [
      {
        name: id,
        // That of the step's inputs, in the notation that turnbuild's manifests use.
        digest: { sha256: key },
        annotations: {
          bases,
          ...(inputs === undefined ? {} : { inputs }),
          accepted: accepted.map(exceptionOf),
          cannotRunThere: of('cannot-here').map(exceptionOf),
          notApplicable: idsOf(of('not-applicable')),
        },
      },
    ],
    passedTests: idsOf(of('passed')),
    warnedTests: idsOf(accepted),
    failedTests: idsOf(failed),
  };
}

function exceptionOf({ id, title, message, advisories }: CheckResult): Exception {
  return { check: id, title, message, ...(advisories === undefined ? {} : { advisories }) };
}
