import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatManifest, parseManifest, withBase, withStep } from '../../../src/manifest/store.ts';
import { fixture } from '../ui/manifest-fixture.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const text = () => formatManifest(fixture(), sha256);

describe('parseManifest', () => {
  it('reads what was written', () => expect(parseManifest('m', text(), sha256)).toEqual(fixture()));

  it.each([
    ['no JSON', '{', /m is not JSON/, 'MANIFEST_INVALID'],
    [
      'a newer schema',
      text().replace('"schema": 2', '"schema": 3'),
      /schema 3; this turnbuild knows 2/,
      'MANIFEST_NEWER',
    ],
    [
      'a much older schema',
      text().replace('"schema": 2', '"schema": 0'),
      /an older turnbuild: it has schema 0, and this one knows 2/,
      'MANIFEST_INVALID',
    ],
    [
      'an unknown key',
      text().replace('"schema": 2', '"schema": 2,"extra":true'),
      /extra/,
      'MANIFEST_INVALID',
    ],
    [
      'a digest that was edited',
      text().replace(/"tree": "[0-9a-f]{8}/, '"tree":"zzzzzzzz'),
      /source\.tree/,
      'MANIFEST_INVALID',
    ],
    [
      'a status that does not exist',
      text().replace('"status": "done"', '"status": "perfect"'),
      /status/,
      'MANIFEST_INVALID',
    ],
    [
      'a verdict that was edited',
      text().replace('"status": "passed"', '"status": "accepted"'),
      /its digest does not fit/,
      'MANIFEST_CHANGED',
    ],
    ['one without a digest', JSON.stringify(fixture()), /its digest does not fit/, 'MANIFEST_CHANGED'],
    ['null', 'null', /not a manifest/, 'MANIFEST_INVALID'],
  ])('refuses %s', (_, changed, message, code) => {
    expect(() => parseManifest('m', changed, sha256)).toThrow(message);
    expect(() => parseManifest('m', changed, sha256)).toThrow(expect.objectContaining({ code }));
  });
});

it('reads what the turnbuild before wrote, and its digest has to fit', () => {
  const { turnbuild: _, plan: __, packageVersion: ___, ...rest } = fixture();
  const steps = rest.steps.map(({ planned: _, inputs: __, bases: ___, checks, ...step }) => ({
    ...step,
    ...(checks === undefined
      ? {}
      : {
          checks: checks.map((check) =>
            check.status === 'cannot-here' ? { ...check, status: 'skipped' } : check,
          ),
        }),
  }));
  const old = { ...rest, schema: 1, steps };
  const written = (digest: string) => JSON.stringify({ ...old, digest });
  const read = parseManifest('m', written(sha256(JSON.stringify(old))), sha256);
  expect(read.packageVersion).toBe('4.6.1+turnbuild-1');
  expect(read.steps.flatMap(({ checks = [] }) => checks.map(({ status }) => status))).toEqual(
    fixture().steps.flatMap(({ checks = [] }) => checks.map(({ status }) => status)),
  );
  expect(() => parseManifest('m', written(sha256('another')), sha256)).toThrow(
    expect.objectContaining({ code: 'MANIFEST_CHANGED' }),
  );
});

describe('changes', () => {
  it('replace a step in its place, and add a new one at the end', () => {
    const manifest = fixture();
    const [first] = manifest.steps;
    if (first === undefined) throw new Error('the fixture has no steps');
    const changed = withStep(manifest, { ...first, seconds: 99 });
    expect(changed.steps.map((step) => step.id)).toEqual(manifest.steps.map((step) => step.id));
    expect(changed.steps[0]?.seconds).toBe(99);
    expect(withStep(manifest, { ...first, id: 'new' }).steps.at(-1)?.id).toBe('new');
    expect(manifest.steps[0]).toBe(first);
  });

  it('drop the verdicts on bytes that are no more', () => {
    const manifest = fixture();
    const step = manifest.steps.find((each) => each.stage === 'package');
    if (step === undefined) throw new Error('the fixture has no package step');
    const verdicts = (of: typeof manifest) =>
      of.steps.filter(
        (each) => each.stage === 'verify' && each.target === step.target && each.arch === step.arch,
      ).length;
    expect(verdicts(withStep(manifest, { ...step, seconds: 1 }))).toBe(1);
    const outputs = step.outputs.map((output) => ({ ...output, sha256: '0'.repeat(64) }));
    expect(verdicts(withStep(manifest, { ...step, outputs }))).toBe(0);
    expect(verdicts(withStep(manifest, { ...step, status: 'failed', outputs: [] }))).toBe(0);
    expect(
      withStep(manifest, { ...step, outputs }).steps.filter((each) => each.stage === 'verify').length,
    ).toBe(manifest.steps.filter((each) => each.stage === 'verify').length - 1);
  });

  it('keep one record of each root', () => {
    const root = {
      name: 'x',
      suite: 'x',
      arch: 'arm64' as const,
      origin: 'bootstrapped' as const,
      digest: 'sha256:1',
    };
    const twice = withBase(withBase(fixture(), root), { ...root, digest: 'sha256:2' });
    expect(twice.bases.filter((base) => base.name === 'x')).toEqual([{ ...root, digest: 'sha256:2' }]);
  });
});
