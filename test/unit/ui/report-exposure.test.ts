import { expect, test } from 'vitest';
import type { Advisory, Exposure, Manifest } from '../../../src/manifest/schema.ts';
import { renderReport } from '../../../src/ui/report.ts';
import { advisories } from '../../../src/ui/report-advisories.ts';
import { fixture, rowsOf, withSteps, wordsOf } from './manifest-fixture.ts';

const render = (manifest: Manifest): string => renderReport(manifest, { turnbuildVersion: '0.1.0' });
const advisory = (id: string, severity: Advisory['severity']): Advisory => ({
  ...{ id, severity, summary: `summary of ${id}`, fixed: '4.10.0', reference: `https://a.example/${id}` },
});
const no: Exposure = { state: 'not-exposed', reason: 'oauth is off.' };
const yes: Exposure = { state: 'exposed', reason: 'Always.' };

/** A release with these advisories, and the exposures of its packages. */
function release(
  list: readonly Advisory[],
  exposures: (arch: string) => Record<string, Exposure>,
  manifest = fixture(),
): Manifest {
  const known = withSteps(manifest, ({ stage, arch = '' }) =>
    stage === 'package' ? { exposures: exposures(arch) } : undefined,
  );
  return { ...known, advisories: [...list] };
}
const verdictOf = (manifest: Manifest) => /<p class="verdict ([\w ]+)">/.exec(render(manifest))?.[1];
const knownOf = (manifest: Manifest) => {
  const [tag = '', kind] = /<p class="known (\w+)">[\s\S]*?<\/p>/.exec(render(manifest)) ?? [];
  return `${kind ?? ''}: ${wordsOf(tag)}`;
};

test('the verdict is green only if all advisories are minor and known not to be exposed', () => {
  const low = advisory('L', 'low');
  const critical = advisory('C', 'critical');
  expect(verdictOf(release([], () => ({})))).toBe('passed');
  expect(verdictOf(release([low], () => ({ L: no })))).toBe('passed');
  expect(verdictOf(release([low], () => ({ L: yes })))).toBe('passed worrying');
  expect(verdictOf(release([low], () => ({})))).toBe('passed worrying');
  expect(verdictOf(release([critical], () => ({ C: no })))).toBe('passed worrying');
  expect(verdictOf(release([critical], () => ({ C: yes }), fixture({ failing: true })))).toBe('failed');
  expect(wordsOf(render(release([critical], () => ({ C: no }))))).toContain('! Every check that ran passed');
});

test('the report counts the known advisories and those that the packages are exposed to', () => {
  const list = [advisory('C', 'critical'), advisory('H', 'high'), advisory('L', 'low')];
  expect(knownOf(release(list, () => ({ C: no, H: yes })))).toBe(
    'bad: coturn 4.6.1 has 3 known advisories (1 critical, 1 high, 1 low). The packages as shipped are exposed to 1 of them (1 high), and possibly exposed to 1 (1 low).',
  );
  expect(knownOf(release(list.slice(0, 1), () => ({ C: no })))).toBe(
    'warn: coturn 4.6.1 has 1 known advisory (1 critical). The packages as shipped are not exposed to any of them.',
  );
  expect(render(release([], () => ({})))).not.toContain('class="known');
});

test('advisories are grouped by exposure, exposed ones first, each with the reason', () => {
  const list = [advisory('C', 'critical'), advisory('H', 'high'), advisory('L', 'low')];
  const text = advisories(release(list, () => ({ C: no, L: yes }))).safe;
  expect(rowsOf(text)).toEqual([
    ['Severity', 'Advisory', 'Does the shipped configuration expose it?', 'Fixed in'],
    ['Exposed (1)'],
    ['low', 'L summary of L', 'Yes Always.', 'Fixed in 4.10.0'],
    ['Unknown (1)'],
    ['high', 'H summary of H', 'Unknown Exposure was not recorded in the manifest.', 'Fixed in 4.10.0'],
    ['Not exposed (1)'],
    ['critical', 'C summary of C', 'No oauth is off.', 'Fixed in 4.10.0'],
  ]);
});

test('different packages are listed separately, and one that is exposed makes the release exposed', () => {
  const list = [advisory('H', 'high')];
  const byArch = release(list, (arch) => ({ H: arch === 'arm64' ? yes : no }));
  expect(rowsOf(advisories(byArch).safe)[2]?.[2]).toBe('Yes (arm64) Always. No (x86_64) oauth is off.');
  const one = withSteps(
    release(list, () => ({ H: no })),
    ({ id }) => (id === 'package-debian-13-arm64' ? { exposures: { H: yes } } : undefined),
  );
  expect(rowsOf(advisories(one).safe)[2]?.[2]).toBe(
    'Yes (debian-13 / arm64) Always. No (debian-12 / arm64, debian-12 / x86_64, debian-13 / x86_64) oauth is off.',
  );
});

test('the check of an exposure is named, and overrides the analysis if it fails', () => {
  const list = [advisory('H', 'high')];
  const tried = (id: string, manifest = fixture()) =>
    rowsOf(advisories(release(list, () => ({ H: { ...no, check: id } }), manifest)).safe).slice(1);
  expect(tried('stun')).toEqual([
    ['Not exposed (1)'],
    ['high', 'H summary of H', 'No oauth is off. Check stun : pass.', 'Fixed in 4.10.0'],
  ]);
  expect(tried('metrics-agree', fixture({ failing: true }))[1]?.[2]).toBe(
    'Yes (debian-13 / arm64) The check for this advisory failed. Check metrics-agree : fail. No (debian-12 / arm64, debian-12 / x86_64, debian-13 / x86_64) oauth is off. Check metrics-agree : pass.',
  );
  const linked = advisories(release(list, () => ({ H: { ...no, check: 'stun' } }))).safe;
  expect(linked).toContain('<a href="#check-stun">stun</a>');
  expect(tried('never')[1]?.[2]).toBe('No oauth is off. Check never was not run.');
});

test('the exposure of a package given as a file is unknown', () => {
  const { source: _, ...given } = release([advisory('H', 'high')], () => ({}));
  expect(wordsOf(advisories(given).safe)).toContain('Unknown turnbuild did not build this package');
});
