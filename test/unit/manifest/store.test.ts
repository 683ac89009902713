import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Manifest, type ManifestStep, manifestSchema } from '../../../src/manifest/schema.ts';
import { formatManifest, inOrder, parseManifest, withBase, withStep } from '../../../src/manifest/store.ts';
import { fixture } from '../ui/manifest-fixture.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const text = () => formatManifest(fixture(), sha256);

describe('formatManifest', () => {
  it('escapes control characters, and the result is read back unchanged', () => {
    const manifest = { ...fixture(), turnbuild: 'a\u009b2J\u202e\u007fb' };
    const written = formatManifest(manifest, sha256);
    expect(written).not.toMatch(/[\u007f-\u009f\u202e]/);
    expect(parseManifest('m', written, sha256)).toEqual(manifest);
  });
});

describe('parseManifest', () => {
  it('reads what formatManifest wrote', () => expect(parseManifest('m', text(), sha256)).toEqual(fixture()));

  it.each<[string, string, RegExp, string]>([
    ['invalid JSON', '{', /m is not JSON/, 'MANIFEST_INVALID'],
    [
      'a newer schema',
      text().replace('"schema": 3', '"schema": 4'),
      /schema 4, but this turnbuild supports schema 3/,
      'MANIFEST_NEWER',
    ],
    [
      'a much older schema',
      text().replace('"schema": 3', '"schema": 0'),
      /an older turnbuild: it has schema 0, but this one supports schema 3/,
      'MANIFEST_INVALID',
    ],
    [
      'an unknown key',
      text().replace('"schema": 3', '"schema": 3,"extra":true'),
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
      /its digest does not match its content/,
      'MANIFEST_CHANGED',
    ],
    [
      'a manifest without a digest',
      JSON.stringify(fixture()),
      /its digest does not match its content/,
      'MANIFEST_CHANGED',
    ],
    ['null', 'null', /not a valid manifest/, 'MANIFEST_INVALID'],
    [
      'two steps with the same id',
      text().replaceAll('build-debian-13-arm64', 'build-debian-12-arm64'),
      /steps\.\d+\.id: build-debian-12-arm64 occurs twice/,
      'MANIFEST_INVALID',
    ],
    [
      'two outputs with the same path',
      text().replaceAll('"coturn-dbgsym_', '"coturn_'),
      /steps\.1\.outputs\.1\.path: coturn_\S+\.deb occurs twice/,
      'MANIFEST_INVALID',
    ],
    [
      'a schema that is not a number',
      text().replace('"schema": 3', '"schema": "4"'),
      /not a valid manifest of turnbuild:\n {2}schema: /,
      'MANIFEST_INVALID',
    ],
    ...[
      ...['../x', 'x/../../y', './x', 'x/.', '/x', 'x//y', 'x\u001by', ''],
      // Invisible characters, and characters that reorder a name.
      ...['x\u202ey', 'x\u2028y', 'x\u2029y', 'x\u3164', 'x\u2800/y', 'x\ud800'],
      // Files that turnbuild writes itself.
      ...['manifest.json', 'plan.json', 'report.html', 'junit.xml', 'SHA256SUMS', '.lock', 'Report.HTML/x'],
    ].map((path): [string, string, RegExp, string] => [
      `a file at ${JSON.stringify(path)}`,
      text().replace(/"log": "[^"]+"/, `"log": ${JSON.stringify(path)}`),
      /steps\.0\.log/,
      'MANIFEST_INVALID',
    ]),
  ])('refuses %s', (_, changed, message, code) => {
    expect(() => parseManifest('m', changed, sha256)).toThrow(message);
    expect(() => parseManifest('m', changed, sha256)).toThrow(expect.objectContaining({ code }));
  });
});

it('the schema accepts paths that only resemble files that turnbuild writes itself', () => {
  for (const path of ['work/report.html', 'report.html.txt', 'Ünal/名'])
    expect(manifestSchema.shape.steps.element.shape.outputs.element.shape.path.safeParse(path).success).toBe(
      true,
    );
});

it('parseManifest reads schema 1, and checks its digest', () => {
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

it('parseManifest reads schema 2, which had no digests of published files', () => {
  const old = { ...fixture(), schema: 2 };
  const text = JSON.stringify({ ...old, digest: sha256(JSON.stringify(old)) });
  expect(parseManifest('m', text, sha256)).toEqual(fixture());
});

describe('withStep', () => {
  const step = (id: string): ManifestStep => {
    const found = fixture().steps.find((each) => each.id === id);
    if (found === undefined) throw new Error(`the fixture has no ${id}`);
    return found;
  };
  const ids = (manifest: Manifest) => manifest.steps.map(({ id }) => id);
  const all = ids(fixture());
  const without = (...gone: string[]) => all.filter((id) => !gone.includes(id));
  const PACKAGE = 'debian-12-arm64';
  const changed = (id: string) => ({
    ...step(id),
    outputs: step(id).outputs.map((output) => ({ ...output, sha256: sha256('other bytes') })),
  });

  it('appends a new step', () => {
    const added = { ...step(`build-${PACKAGE}`), id: 'build-debian-14-arm64', target: 'debian-14' };
    expect(ids(withStep(fixture(), added))).toEqual([...all, added.id]);
  });

  it('replaces a step in place, and keeps later steps if its outputs are the same', () => {
    const again = { ...step(`build-${PACKAGE}`), seconds: 1 };
    const manifest = withStep(fixture(), again);
    expect(ids(manifest)).toEqual(all);
    expect(manifest.steps[0]).toEqual(again);
  });

  it.each([
    ['a build', `build-${PACKAGE}`, [`package-${PACKAGE}`, `verify-${PACKAGE}`]],
    ['a package', `package-${PACKAGE}`, [`verify-${PACKAGE}`]],
    ['a verification', `verify-${PACKAGE}`, []],
  ])('removes later steps of the same package if the outputs of %s change', (_, id, gone) => {
    expect(ids(withStep(fixture(), changed(id)))).toEqual(without(...gone));
  });

  it('removes later steps if the step failed, even with the same outputs', () => {
    const failed = { ...step(`package-${PACKAGE}`), status: 'failed' as const };
    expect(ids(withStep(fixture(), failed))).toEqual(without(`verify-${PACKAGE}`));
  });

  it('removes later steps of a step that was missing', () => {
    const build = step(`build-${PACKAGE}`);
    const manifest = { ...fixture(), steps: fixture().steps.filter(({ id }) => id !== build.id) };
    expect(ids(withStep(manifest, build))).toEqual([
      ...without(build.id, `package-${PACKAGE}`, `verify-${PACKAGE}`),
      build.id,
    ]);
  });
});

describe('withStep, for machine images', () => {
  const packaged = fixture().steps.find(({ id }) => id === 'package-debian-12-arm64') as ManifestStep;
  const imageStep = (stage: 'image' | 'boot', cloud: 'aws' | 'gce'): ManifestStep => ({
    ...{ ...packaged, id: `${stage}:${cloud}`, stage, cloud, outputs: [] },
    inputs: stage === 'image' ? packaged.outputs.map(({ path, sha256 }) => ({ path, sha256 })) : [],
  });
  const images = (['aws', 'gce'] as const).flatMap((cloud) => [
    imageStep('image', cloud),
    imageStep('boot', cloud),
  ]);
  const manifest = { ...fixture(), steps: [...fixture().steps, ...images] };
  const kept = (changed: Manifest) =>
    changed.steps.map(({ id }) => id).filter((id) => images.some((each) => each.id === id));
  const all = images.map(({ id }) => id);
  const step = (stage: string): ManifestStep =>
    manifest.steps.find(({ id }) => id === `${stage}-debian-12-arm64`) as ManifestStep;
  const changed = (old: ManifestStep): ManifestStep => ({
    ...old,
    outputs: old.outputs.map((output) => ({ ...output, sha256: '0'.repeat(64) })),
  });
  const failed = (old: ManifestStep): ManifestStep => ({ ...old, status: 'failed', outputs: [] });

  it.each([
    ['a build with other files', changed(step('build'))],
    ['a failed build', failed(step('build'))],
    ['the same package', { ...packaged, seconds: 1 }],
    ['a failed package', failed(packaged)],
    ['a verification with other observations', changed(step('verify'))],
    ['a failed verification', failed(step('verify'))],
  ])('keeps them after %s', (_, record) => expect(kept(withStep(manifest, record))).toEqual(all));

  it('keeps them if a rebuild makes the same package', () => {
    const built = withStep(manifest, changed(step('build')));
    expect(built.steps.map(({ id }) => id)).not.toContain(packaged.id);
    expect(kept(withStep(built, packaged))).toEqual(all);
  });

  it('removes them if the package changes, at once or after a failure', () => {
    expect(kept(withStep(manifest, changed(packaged)))).toEqual([]);
    expect(kept(withStep(withStep(manifest, failed(packaged)), changed(packaged)))).toEqual([]);
    expect(kept(withStep(withStep(manifest, changed(step('build'))), changed(packaged)))).toEqual([]);
  });

  it('removes only the verdicts on an image that changes or fails', () => {
    const [aws] = images as [ManifestStep];
    const outputs = packaged.outputs;
    for (const record of [{ ...aws, outputs }, failed(aws)])
      expect(kept(withStep(manifest, record))).toEqual(['image:aws', 'image:gce', 'boot:gce']);
  });
});

it('withBase replaces a base image of the same name, and appends any other', () => {
  const [first] = fixture().bases;
  if (first === undefined) throw new Error('the fixture has base images');
  const manifest = { ...fixture(), bases: [first] };
  const other = { ...first, digest: 'sha256:other' };
  expect(withBase(manifest, other).bases).toEqual([other]);
  expect(withBase(manifest, { ...first, name: 'another' }).bases).toEqual([
    first,
    { ...first, name: 'another' },
  ]);
});

it('inOrder sorts steps as planned and base images by name', () => {
  const { steps, bases } = fixture();
  const shuffled = bases.map((base, index) => ({ ...base, name: `root-${9 - index}` }));
  const planned = steps.toReversed().map(({ id }) => ({ id }));
  const ordered = inOrder({ ...fixture(), bases: shuffled }, planned);
  expect(ordered.steps.map(({ id }) => id)).toEqual(planned.map(({ id }) => id));
  expect(ordered.bases.map(({ name }) => name)).toEqual(['root-6', 'root-7', 'root-8', 'root-9']);
});
