import type { CheckResult, Manifest } from '../manifest/schema.ts';
import { CHECK_STATUS } from './check-status.ts';
import { printableText } from './format.ts';
import { type Html, html, nothing } from './html.ts';
import { failedSteps, variantsOf } from './outcome.ts';

/** Characters that XML 1.0 cannot represent, besides control characters. */
const UNWRITABLE = /[\ufffe\uffff]/g;

/** A test case's result and its XML element. */
interface Case {
  kind: 'passed' | 'failure' | 'error' | 'skipped';
  element: Html;
}

interface Suite {
  name: string;
  cases: Case[];
}

/**
 * The checks as JUnit XML, which CI systems show: a suite for each package, and one for steps that failed without a failed check.
 * A failed check is a `failure`, a failed step an `error`. A blocked check is `skipped`: it did not run, and the failure that blocks it is
 * in the file already, so counting it again would bury the cause.
 */
export function renderJunit(manifest: Manifest): string {
  const clean = cleaned(manifest);
  const suites = variantsOf(clean)
    .filter(({ checks }) => checks.length > 0)
    .map(({ name, checks }) => ({ name, cases: checks.map((check) => testCase(name, check)) }));
  const steps = failedSteps(clean)
    .filter(({ checks }) => !(checks ?? []).some(({ status }) => status === 'failed'))
    .map(({ id, error = 'failed' }) => failedStep(id, error));
  const all: Suite[] = steps.length === 0 ? suites : [...suites, { name: 'steps', cases: steps }];
  const document = html`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="coturn ${clean.packageVersion}"${counts(all.flatMap(({ cases }) => cases))}>
${all.map(suite)}</testsuites>
`;
  return document.safe;
}

function suite({ name, cases }: Suite): Html {
  return html`<testsuite name="${name}"${counts(cases)}>
${cases.map(({ element }) => element)}</testsuite>
`;
}

function counts(cases: readonly Case[]): Html {
  const of = (kind: Case['kind']) => cases.filter((each) => each.kind === kind).length;
  return html` tests="${cases.length}" errors="${of('error')}" failures="${of('failure')}" skipped="${of('skipped')}"`;
}

function testCase(variant: string, check: CheckResult): Case {
  const { id, title, reason, status, message, figures, cause } = check;
  const shown = Object.entries(figures).map(([name, value]) => `${name}: ${value}`);
  const kind = status === 'passed' ? 'passed' : status === 'failed' ? 'failure' : 'skipped';
  const text = [...(cause === undefined ? [] : [cause]), message].join('\n');
  const verdict = {
    passed: nothing,
    failure: html`<failure message="${cause ?? firstLine(message)}" type="${id}">${text}</failure>`,
    skipped: html`<skipped message="${whySkipped(check)}"/>`,
  }[kind];
  return {
    kind,
    element: html`<testcase name="${`${id}: ${title}`}" classname="${variant}">${verdict}<system-out>${[status, reason, message, ...shown].join('\n')}</system-out></testcase>
`,
  };
}

function failedStep(id: string, error: string): Case {
  return {
    kind: 'error',
    element: html`<testcase name="${id}" classname="steps"><error message="${firstLine(error)}" type="step">${error}</error></testcase>
`,
  };
}

/** JUnit has only `skipped` for checks without a verdict, so the message states the status and the reason. */
function whySkipped({ status, message, blockedBy, advisories = [] }: CheckResult): string {
  const { text } = CHECK_STATUS[status];
  const why =
    status === 'blocked' && blockedBy !== undefined
      ? `by ${blockedBy}`
      : [...advisories, firstLine(message)].filter((each) => each !== '').join(': ');
  return why === '' ? text : `${text}${status === 'blocked' ? ' ' : ': '}${why}`;
}

const firstLine = (text: string) => text.split('\n')[0] ?? '';

/** Cleans every string of a manifest. Logs and manifests are untrusted, and CI systems may print the file. */
function cleaned<T>(value: T): T {
  const clean = (each: unknown): unknown => {
    if (typeof each === 'string') return printableText(each).replaceAll(UNWRITABLE, '?');
    if (Array.isArray(each)) return each.map(clean);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([name, member]) => [clean(name), clean(member)]));
  };
  return clean(value) as T;
}
