import { describe, expect, it } from 'vitest';
import { mergeManifests, type Part, type PlannedParts } from '../../../src/manifest/merge.ts';
import type { Artifact, Manifest, ManifestStep } from '../../../src/manifest/schema.ts';
import { fixture, sha } from '../ui/manifest-fixture.ts';

const whole = fixture();

/** The steps in the plan of that release. */
function planned(): PlannedParts {
  const { bases: _, steps, ...header } = whole;
  return {
    digest: whole.plan ?? '',
    header,
    steps: steps.map(({ id, planned: key = '', outputs, log = '', target, arch, stage }) => ({
      id,
      key,
      needs: steps
        .filter((each) => each.target === target && each.arch === arch)
        .map((each) => each.id)
        .slice(0, ['build', 'package', 'verify'].indexOf(stage)),
      outputs: outputs.map(({ path }) => path),
      log,
    })),
  };
}

/** The part of that release from one machine: one architecture. */
function partOf(
  arch: 'arm64' | 'x86_64',
  change: (step: ManifestStep) => ManifestStep = (step) => step,
): Part {
  const steps = whole.steps
    .filter((step) => step.arch === arch)
    .map((step) => ({ ...step, bases: basesOf(step) }));
  const bases = whole.bases
    .filter((base) => base.arch === arch)
    .map((base) => ({ ...base, name: `${base.suite}-${arch}` }));
  return { name: `of-${arch}`, manifest: { ...whole, bases, steps: steps.map(change) } };
}

const suiteOf = (step: ManifestStep) => (step.target === 'debian-12' ? 'bookworm' : 'trixie');
/** Each step used its target's base image, and the packages also used a shared one. */
function basesOf(step: ManifestStep): Record<string, string> {
  return { [`${suiteOf(step)}-${step.arch}`]: `sha256:${sha(`base${step.target}${step.arch}`)}` };
}

const is = (id: string, change: (step: ManifestStep) => ManifestStep) => (step: ManifestStep) =>
  step.id === id ? change(step) : step;
const firstOutput = (change: (output: Artifact) => Artifact) => (step: ManifestStep) => ({
  ...step,
  outputs: step.outputs.map((output, index) => (index === 0 ? change(output) : output)),
});
const without = ({ name, manifest }: Part, ...ids: string[]): Part => ({
  name,
  manifest: { ...manifest, steps: manifest.steps.filter(({ id }) => !ids.includes(id)) },
});

const ARM = 'debian-12-arm64';

describe('mergeManifests', () => {
  const merge = (...parts: Part[]) => mergeManifests(parts, planned());

  it('orders steps by plan and base images by name, whatever the order of the parts', () => {
    const parts = [partOf('x86_64'), partOf('arm64')] as const;
    const { manifest } = merge(...parts);
    expect(manifest.steps.map(({ id }) => id)).toEqual(whole.steps.map(({ id }) => id));
    expect(manifest.bases.map(({ name }) => name)).toEqual([
      'bookworm-arm64',
      'bookworm-x86_64',
      'trixie-arm64',
      'trixie-x86_64',
    ]);
    expect(merge(parts[1], parts[0]).manifest).toEqual(manifest);
  });

  it('takes the properties of the release from the plan, not from a part', () => {
    const part = partOf('arm64');
    const { manifest } = merge(
      { ...part, manifest: { ...part.manifest, packageVersion: '9', advisories: [] } },
      partOf('x86_64'),
    );
    expect(manifest).toMatchObject({ packageVersion: whole.packageVersion, advisories: whole.advisories });
  });

  it('names the part that each step comes from', () => {
    const { origins } = merge(partOf('x86_64'), partOf('arm64'));
    expect(origins.size).toBe(whole.steps.length);
    for (const { id, arch } of whole.steps) expect(origins.get(id)?.name, id).toBe(`of-${arch}`);
  });

  it('takes the first of two parts with the same step, even if their durations differ', () => {
    const again = partOf('arm64', (step) => ({ ...step, seconds: step.seconds * 2 }));
    const { manifest, origins } = merge(partOf('arm64'), { ...again, name: 'again' }, partOf('x86_64'));
    expect(manifest.steps).toEqual(merge(partOf('arm64'), partOf('x86_64')).manifest.steps);
    expect(origins.get(`build-${ARM}`)?.name).toBe('of-arm64');
  });

  it('omits steps of another plan, and base images that only those used', () => {
    const part = partOf('arm64');
    const [base] = part.manifest.bases;
    if (base === undefined) throw new Error('a part has base images');
    const stale = {
      ...part.manifest.steps[0],
      id: 'build-buster-arm64',
      bases: { 'buster-arm64': 'x' },
    } as ManifestStep;
    const manifest: Manifest = {
      ...part.manifest,
      bases: [...part.manifest.bases, { ...base, name: 'buster-arm64' }],
      steps: [stale, ...part.manifest.steps],
    };
    expect(merge({ ...part, manifest }, partOf('x86_64')).manifest).toEqual(
      merge(part, partOf('x86_64')).manifest,
    );
  });

  it('accepts files inside a folder that the plan names', () => {
    const plan = planned();
    const folder = whole.steps[0]?.outputs[0]?.path ?? '';
    const beneath = partOf('arm64', (step) => ({
      ...firstOutput((output) =>
        output.path === folder ? { ...output, path: `${folder}/bin/turnserver` } : output,
      )(step),
      inputs: step.inputs.map((input) =>
        input.path === folder ? { ...input, path: `${folder}/bin/turnserver` } : input,
      ),
    }));
    expect(mergeManifests([beneath, partOf('x86_64')], plan).manifest.steps[0]?.outputs[0]?.path).toBe(
      `${folder}/bin/turnserver`,
    );
  });

  it('accepts a step without a log', () => {
    const quiet = partOf('arm64', ({ log: _, ...step }) => step);
    expect(merge(quiet, partOf('x86_64')).manifest.steps[0]).not.toHaveProperty('log');
  });

  it('accepts a release with a failed step and without its dependent steps', () => {
    const part = partOf(
      'arm64',
      is(`build-${ARM}`, (step) => ({ ...step, status: 'failed', outputs: [] })),
    );
    const { manifest } = merge(without(part, `package-${ARM}`, `verify-${ARM}`), partOf('x86_64'));
    expect(manifest.steps).toHaveLength(whole.steps.length - 2);
  });
});

describe('mergeManifests refuses', () => {
  const refusal = (...parts: Part[]) => {
    try {
      mergeManifests(parts, planned());
    } catch (error) {
      return error as { code: string; message: string; hint: string };
    }
    throw new Error('it was merged');
  };
  const lines = (error: { message: string }) => error.message.split('\n').slice(1);

  it('parts of another plan, before reporting anything else', () => {
    const part = partOf('arm64');
    const other = { ...part, manifest: { ...part.manifest, plan: sha('another'), steps: [] } };
    const error = refusal(other, partOf('x86_64'));
    expect(error.code).toBe('COLLECT_CONFLICT');
    expect(lines(error)).toEqual(['  of-arm64 was built from another plan']);
  });

  it.each<[string, (step: ManifestStep) => ManifestStep]>([
    ['with different bytes', firstOutput((output) => ({ ...output, sha256: sha('other bytes') }))],
    ['as a different file', firstOutput((output) => ({ ...output, path: `${output.path}x` }))],
    ['with a different status', (step) => ({ ...step, status: 'failed' })],
  ])('a step that two parts built %s', (_, change) => {
    const other = { ...partOf('arm64', is(`verify-${ARM}`, change)), name: 'other' };
    const error = refusal(partOf('arm64'), other, partOf('x86_64'));
    expect(error.code).toBe('COLLECT_CONFLICT');
    expect(lines(error)).toEqual([`  verify-${ARM} differs between of-arm64 and other`]);
  });

  it.each<[string, (step: ManifestStep) => ManifestStep, string]>([
    ['a file', firstOutput((output) => ({ ...output, path: 'SHA256SUMS' })), 'SHA256SUMS'],
    [
      'a similarly named file',
      firstOutput((output) => ({ ...output, path: `${output.path}x` })),
      `verify/${ARM}.jsonx`,
    ],
    ['a log', (step) => ({ ...step, log: 'logs/other.log' }), 'logs/other.log'],
  ])('a step that names %s that is not its own', (_, change, path) => {
    const error = refusal(partOf('arm64', is(`verify-${ARM}`, change)), partOf('x86_64'));
    expect(error.code).toBe('COLLECT_CONFLICT');
    expect(lines(error)).toEqual([
      `  verify-${ARM} in of-arm64 names ${path}, which is not a file of that step`,
    ]);
  });

  it('different base images of the same name, reported once per name', () => {
    const shared = (digest: string) => (step: ManifestStep) => ({
      ...step,
      bases: { shared: digest, [step.id]: sha(step.id) },
    });
    const error = refusal(partOf('arm64', shared('sha256:1')), partOf('x86_64', shared('sha256:2')));
    expect(error.code).toBe('COLLECT_CONFLICT');
    expect(lines(error)).toEqual([
      '  the base image shared differs between of-arm64 and of-x86_64: the archive changed between the two builds',
    ]);
  });

  it('a step that was built from other files than those in the parts', () => {
    const other = (step: ManifestStep) => ({
      ...step,
      inputs: step.inputs.map((input, index) => (index === 1 ? { ...input, sha256: sha('other') } : input)),
    });
    const error = refusal(partOf('arm64', is(`verify-${ARM}`, other)), partOf('x86_64'));
    expect(error.code).toBe('COLLECT_CONFLICT');
    const path = whole.steps.find(({ id }) => id === `verify-${ARM}`)?.inputs[1]?.path;
    expect(lines(error)).toEqual([
      `  verify-${ARM} in of-arm64 was built from a different ${path} than the one in the parts`,
    ]);
  });

  it('all conflicts at once', () => {
    const moved = firstOutput((output) => ({ ...output, path: 'SHA256SUMS' }));
    const both = (step: ManifestStep) => (step.stage === 'verify' ? moved(step) : step);
    expect(lines(refusal(partOf('arm64', both), partOf('x86_64', both)))).toHaveLength(4);
  });

  it('parts without a step whose prerequisites succeeded', () => {
    const error = refusal(without(partOf('arm64'), `verify-${ARM}`), partOf('x86_64'));
    expect(error.code).toBe('COLLECT_INCOMPLETE');
    expect(lines(error)).toEqual([`  verify-${ARM}`]);
  });

  it('parts without any step of a package, listing each', () => {
    const ids = ['build', 'package', 'verify'].map((stage) => `${stage}-${ARM}`);
    const error = refusal(without(partOf('arm64'), ...ids), partOf('x86_64'));
    expect(error.code).toBe('COLLECT_INCOMPLETE');
    expect(lines(error)).toEqual(ids.map((id) => `  ${id}`));
  });

  it('a step with an earlier key, which counts as missing', () => {
    const stale = partOf(
      'arm64',
      is(`verify-${ARM}`, (step) => ({ ...step, planned: sha('earlier') })),
    );
    expect(lines(refusal(stale, partOf('x86_64')))).toEqual([`  verify-${ARM}`]);
  });
});
