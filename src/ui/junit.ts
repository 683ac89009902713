import { getJunitXml } from 'junit-xml';
import type { CheckResult, Manifest } from '../manifest/schema.ts';
import { printableText } from './format.ts';
import { failedSteps, variantsOf } from './outcome.ts';

/** What XML 1.0 has no way to write, beside control characters. */
const UNWRITABLE = /[\ufffe\uffff]/g;

/** The checks as JUnit XML, which CI systems show: a suite for each package, and one for steps that failed without a failed check. */
export function renderJunit(manifest: Manifest): string {
  const suites = variantsOf(manifest)
    .filter(({ checks }) => checks.length > 0)
    .map(({ name, checks }) => ({ name, testCases: checks.map((check) => testCase(name, check)) }));
  const steps = failedSteps(manifest)
    .filter(({ checks }) => !(checks ?? []).some(({ status }) => status === 'failed'))
    .map(({ id, error }) => ({
      name: id,
      classname: 'steps',
      errors: [{ message: error ?? 'failed' }],
    }));
  const all = steps.length === 0 ? suites : [...suites, { name: 'steps', testCases: steps }];
  return `${getJunitXml(cleaned({ name: `coturn ${manifest.packageVersion}`, suites: all }))}\n`;
}

function testCase(variant: string, { id, title, reason, status, message, figures, cause }: CheckResult) {
  const shown = Object.entries(figures).map(([name, value]) => `${name}: ${value}`);
  return {
    name: `${id}: ${title}`,
    classname: variant,
    systemOut: [[status, reason, message, ...shown].join('\n')],
    ...(status === 'failed'
      ? {
          failures: [{ message: [...(cause === undefined ? [] : [cause]), message].join('\n'), type: id }],
        }
      : {}),
    // JUnit has one word for all of these; the text says which it is.
    ...(status === 'passed' || status === 'failed' ? {} : { skipped: true }),
  };
}

/** A report whose every text is clean. A log may have anything, a manifest comes from anywhere, and a CI system may print the file. */
function cleaned<T>(value: T): T {
  const clean = (each: unknown): unknown => {
    if (typeof each === 'string') return printableText(each).replaceAll(UNWRITABLE, '?');
    if (Array.isArray(each)) return each.map(clean);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([name, member]) => [name, clean(member)]));
  };
  return clean(value) as T;
}
