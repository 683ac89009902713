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
      errors: [{ message: clean(error ?? 'failed') }],
    }));
  const all = steps.length === 0 ? suites : [...suites, { name: 'steps', testCases: steps }];
  return `${getJunitXml({ name: `coturn ${manifest.packageVersion}`, suites: all })}\n`;
}

function testCase(variant: string, { id, title, reason, status, message, figures, cause }: CheckResult) {
  const shown = Object.entries(figures).map(([name, value]) => `${name}: ${value}`);
  return {
    name: clean(`${id}: ${title}`),
    classname: variant,
    systemOut: [clean([status, reason, message, ...shown].join('\n'))],
    ...(status === 'failed'
      ? {
          failures: [
            { message: clean([...(cause === undefined ? [] : [cause]), message].join('\n')), type: id },
          ],
        }
      : {}),
    // JUnit has one word for all of these; the text says which it is.
    ...(status === 'passed' || status === 'failed' ? {} : { skipped: true }),
  };
}

/** A log may have anything, and a CI system may print the file. */
function clean(text: string): string {
  return printableText(text).replaceAll(UNWRITABLE, '?');
}
