import { expect, test } from 'vitest';
import type { CheckResult, Manifest } from '../../../src/manifest/schema.ts';
import { renderReport } from '../../../src/ui/report.ts';
import { fixture, onePackage, withImages, withSteps, wordsOf } from './manifest-fixture.ts';

const render = (manifest: Manifest): string => renderReport(manifest, { turnbuildVersion: '0.1.0' });
/** The tiles at the top: their labels, numbers and markers. */
const tilesOf = (manifest: Manifest) =>
  [...render(manifest).matchAll(/<div class="(bad|warn|)"><dt>([^<]*)<\/dt><dd>(\d+)<\/dd>/g)].map(
    ([, kind, label, value]) => [label, value, kind].join('|'),
  );
/** The verdict and its reason. */
const verdictOf = (manifest: Manifest) =>
  wordsOf(/<p class="verdict [\s\S]*?<\/p>/.exec(render(manifest))?.[0] ?? '');
const allChecks = (manifest: Manifest, status: CheckResult['status']) =>
  withSteps(manifest, ({ checks }) => checks && { checks: checks.map((check) => ({ ...check, status })) });

test('the tiles at the top mark bad numbers, and rare kinds of results appear only if they occur', () => {
  const advisory = (severity: 'low' | 'medium' | 'high' | 'critical') => ({
    ...{ id: severity, severity, fixed: '4.9.0', summary: 's', reference: 'https://a' },
  });
  const some = {
    ...fixture({ failing: true }),
    advisories: (['low', 'high', 'critical'] as const).map(advisory),
  };
  expect(tilesOf(some)).toEqual([
    ...['Packages|4|', 'Checks passed|81|', 'Checks failed|1|bad', 'Checks unable to run here|2|warn'],
    'Known advisories, 2 high or critical|3|warn',
  ]);
  const harmless = { ...fixture(), advisories: [advisory('low'), advisory('medium')] };
  expect(tilesOf(harmless)).toContain('Checks failed|0|');
  expect(tilesOf(harmless)).toContain('Known advisories|2|');
  expect(tilesOf(allChecks(harmless, 'not-applicable'))).toContain('Checks not applicable|84|');
  expect(tilesOf(allChecks(harmless, 'blocked'))).toContain('Checks blocked|84|warn');
  expect(tilesOf(allChecks(harmless, 'accepted'))).toContain('Checks failed, accepted|84|bad');
});

test('the verdict names the packages and the number of steps behind it, unless everything passed', () => {
  expect(verdictOf({ ...fixture(), advisories: [] })).toBe('✓ Every check that ran passed');
  expect(verdictOf(fixture({ failing: true }))).toBe('✗ Failed : checks of debian-13 / arm64; 1 step');
  const broken = withSteps(fixture(), ({ stage }) => (stage === 'build' ? { status: 'failed' } : undefined));
  expect(verdictOf(broken)).toBe('✗ Failed : 4 steps');
  expect(verdictOf(allChecks(onePackage(), 'blocked'))).toBe('✗ Failed : checks of debian-13 / arm64');
  const unchecked = withSteps(fixture(), ({ target }) =>
    target === 'debian-12' ? { checks: [] } : undefined,
  );
  expect(verdictOf(unchecked)).toBe(
    '? Not verified : no check ran for debian-12 / arm64, debian-12 / x86_64',
  );
  expect(verdictOf({ ...fixture(), steps: [] })).toBe('? Not verified : no packages');
  // A package that was never built is not counted as unverified.
  const [build] = onePackage().steps;
  if (build === undefined) throw new Error('the fixture has steps');
  expect(verdictOf({ ...fixture(), steps: [build] })).toBe('? Not verified : no packages');
  const cannot = allChecks(onePackage(), 'cannot-here');
  expect(verdictOf(cannot)).toBe('? Not verified : no check ran for debian-13 / arm64');
});

test('machine images have a tile of their own, and do not affect what is said about packages', () => {
  expect(tilesOf(withImages()).slice(0, 2)).toEqual(['Packages|4|', 'Machine images|2|']);
  const advisories = (manifest: Manifest) =>
    /<section id="advisories">[\s\S]*?<\/section>/.exec(render(manifest))?.[0];
  const shown = (manifest: Manifest) =>
    advisories(
      withSteps(manifest, ({ stage }) =>
        stage === 'package'
          ? { exposures: { 'CVE-2026-43994': { state: 'exposed', reason: 'r' } } }
          : undefined,
      ),
    );
  expect(shown(withImages())).toBe(shown(fixture()));
  expect(shown(fixture())).toContain('<strong>Yes</strong>');
});

test('an image whose package is missing makes a release unverified', () => {
  const manifest = withImages();
  const steps = manifest.steps.filter(({ id }) => !/^(package|verify)-debian-13-arm64$/.test(id));
  expect(verdictOf({ ...manifest, steps })).toBe(
    '? Not verified : the package in coturn-4.6.1-1-aws-arm64.raw.zst, coturn-4.6.1-1-gce-arm64.tar.gz is missing',
  );
});

test('an accepted verdict names each advisory of accepted checks once, and no others', () => {
  const known = withSteps(
    fixture(),
    ({ checks }) =>
      checks && {
        checks: checks.map((check) => ({
          ...check,
          ...(check.id === 'stun' ? { status: 'accepted' as const, advisories: ['CVE-1'] } : {}),
          ...(check.id === 'start' ? { advisories: ['CVE-2'] } : {}),
        })),
      },
  );
  expect(verdictOf(known)).toContain('checks failed because of CVE-1; all other checks that ran passed');
});
