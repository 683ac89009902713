import { expect, test } from 'vitest';
import { countChecks, metricTotal, variantsOf, verdictOf } from '../../../src/ui/outcome.ts';
import { renderReport } from '../../../src/ui/report.ts';
import { renderSummary } from '../../../src/ui/summary.ts';
import { fixture, withSteps } from './manifest-fixture.ts';

test('a release passes if every package was checked and nothing failed', () => {
  expect(verdictOf(fixture())).toBe('passed');
});

test('one failed check fails the release', () => {
  expect(verdictOf(fixture({ failing: true }))).toBe('failed');
});

test('a failed step fails the release even if every check passed', () => {
  const manifest = fixture();
  const steps = manifest.steps.map((s) =>
    s.id === 'build-debian-12-arm64' ? { ...s, status: 'failed' as const } : s,
  );
  expect(verdictOf({ ...manifest, steps })).toBe('failed');
});

test('a package without checks makes the release unverified', () => {
  const manifest = fixture();
  const steps = manifest.steps.filter((step) => step.id !== 'verify-debian-13-x86_64');
  expect(verdictOf({ ...manifest, steps })).toBe('unverified');
});

test('an image with a clean disk is unverified until it has booted', () => {
  const manifest = fixture();
  const [check] = manifest.steps.flatMap(({ checks }) => checks ?? []);
  const step = manifest.steps.find(({ stage }) => stage === 'package');
  if (check === undefined || step === undefined) throw new Error('the fixture has changed');
  const [output] = step.outputs;
  if (output === undefined) throw new Error('the fixture has changed');
  const image = {
    ...step,
    id: 'image:aws:arm64',
    stage: 'image' as const,
    cloud: 'aws' as const,
    outputs: [{ ...output, kind: 'image' as const, path: 'coturn-aws.raw.zst' }],
    checks: [{ ...check, status: 'passed' as const }],
  };
  const boot = { ...image, id: 'boot:aws:arm64', stage: 'boot' as const, outputs: [] };
  const unbooted = { ...manifest, steps: [...manifest.steps, image] };
  expect(verdictOf(unbooted)).toBe('unverified');
  expect(renderSummary(unbooted, { dir: 'dist', columns: 120, color: false })).toMatch(
    /coturn-aws\.raw\.zst .*1\/1 passed, NOT VERIFIED\n/,
  );
  expect(verdictOf({ ...manifest, steps: [...manifest.steps, image, boot] })).toBe('passed');
});

test('a target that was only compiled needs no checks', () => {
  const manifest = fixture();
  const steps = manifest.steps.filter(({ target, stage }) => target === 'debian-13' || stage === 'build');
  expect(verdictOf({ ...manifest, steps })).toBe('passed');
});

test('a package with only deselected checks makes the release unverified', () => {
  const manifest = fixture();
  const steps = manifest.steps.map((step) =>
    step.id === 'verify-debian-12-arm64'
      ? { ...step, checks: (step.checks ?? []).map((check) => ({ ...check, status: 'deselected' as const })) }
      : step,
  );
  expect(verdictOf({ ...manifest, steps })).toBe('unverified');
});

test('a check that failed for an accepted advisory makes the release accepted', () => {
  const manifest = fixture();
  const accepted = { status: 'accepted' as const, advisories: ['CVE-2026-1'], message: 'a port is lost' };
  const steps = manifest.steps.map((step) =>
    step.id === 'verify-debian-12-arm64'
      ? { ...step, checks: (step.checks ?? []).map((c, i) => (i === 0 ? { ...c, ...accepted } : c)) }
      : step,
  );
  const known = { ...manifest, steps };
  expect(verdictOf(known)).toBe('accepted');
  expect(countChecks(steps.flatMap((step) => step.checks ?? [])).accepted).toBe(1);
  const page = renderReport(known, { turnbuildVersion: '1.0.0' });
  expect(page).toContain('checks failed because of CVE-2026-1');
  expect(page).toMatch(/<td class="accepted">[\s\S]*?!<\/span> accepted</);
  expect(page).toContain('<section id="failures">');
  const text = renderSummary(known, { dir: 'dist', columns: 120, color: false });
  expect(text).toMatch(/1 failed and accepted/);
  expect(text).toMatch(/, accepted\): a port is lost/);
});

test('a release without packages is unverified', () => {
  expect(verdictOf({ ...fixture(), steps: [] })).toBe('unverified');
});

test('a variant gathers the outputs, checks and metrics of its steps', () => {
  const variants = variantsOf(fixture());
  expect(variants.map((v) => v.name)).toEqual([
    'debian-12 / arm64',
    'debian-12 / x86_64',
    'debian-13 / arm64',
    'debian-13 / x86_64',
  ]);
  expect(variants.map((v) => [v.packages.length, v.checks.length])).toEqual(Array(4).fill([1, 21]));
});

test('a step without a target or architecture is a variant of its own, if it has packages or checks', () => {
  const [build, pack, verify] = fixture().steps;
  if (build === undefined || pack === undefined || verify === undefined)
    throw new Error('the fixture has steps');
  const { target: _, arch: __, ...own } = { ...build, id: 'own' };
  const manifest = (...steps: (typeof build)[]) => ({ ...fixture(), steps });
  expect(variantsOf(manifest(own))).toEqual([]);
  const outputs = variantsOf(manifest({ ...own, outputs: pack.outputs }));
  expect(outputs).toMatchObject([{ name: 'own', target: undefined, packages: [pack.outputs[0]] }]);
  const checks = variantsOf(manifest({ ...own, checks: verify.checks ?? [] }));
  expect(checks.map(({ name, checks: all }) => [name, all.length])).toEqual([['own', 21]]);
  expect(variantsOf(manifest({ ...own, target: 'all' })).map(({ name }) => name)).toEqual(['all']);
  expect(variantsOf(manifest({ ...own, arch: 'arm64', checks: verify.checks ?? [] }))).toMatchObject([
    { name: 'arm64' },
  ]);
});

test('variants are sorted by name, and facts of later steps override earlier ones', () => {
  const manifest = withSteps(fixture(), ({ stage }) => ({ facts: { stage } }));
  const reversed = variantsOf({ ...manifest, steps: manifest.steps.toReversed() });
  expect(reversed.map(({ name }) => name)).toEqual(variantsOf(manifest).map(({ name }) => name));
  expect(variantsOf(manifest)[0]?.facts).toEqual({ stage: 'verify' });
  expect(reversed[0]?.facts).toEqual({ stage: 'build' });
});

test('a metric is summed over its series, excluding metrics that share its prefix', () => {
  const metrics = { 'a{type="UDP"}': 2, 'a{type="TCP"}': 3, a_b: 100 };
  expect(metricTotal(metrics, 'a')).toBe(5);
  expect(metricTotal(metrics, 'c')).toBeUndefined();
});
