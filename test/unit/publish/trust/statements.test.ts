import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Manifest } from '../../../../src/manifest/schema.ts';
import { provenanceOf } from '../../../../src/publish/trust/provenance.ts';
import {
  type MadeFiles,
  madeFiles,
  subjectsOf,
  verifiedImages,
} from '../../../../src/publish/trust/release-files.ts';
import {
  formatStatement,
  PREDICATES,
  parseStatement,
  statementOf,
} from '../../../../src/publish/trust/statement.ts';
import { testResultOf } from '../../../../src/publish/trust/test-result.ts';
import { sha } from '../../ui/manifest-fixture.ts';
import { DEB, plan, release } from './release.ts';

const PACKAGE = 'package:debian-13:x86_64';
const IMAGE = 'image:aws:x86_64';

function made(id: string, manifest: Manifest = release()): MadeFiles {
  const [found] = madeFiles(manifest, [id]);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
}

// The rules of in-toto Attestation Framework, spec/v1: statement.md, resource_descriptor.md, digest_set.md.
const HEX = { sha256: 64, gitCommit: 40 } as const;
const digestSet = z
  .strictObject({ sha256: z.string().optional(), gitCommit: z.string().optional() })
  .refine((digests) => Object.keys(digests).length > 0)
  .refine((digests) =>
    Object.entries(digests).every(([name, hex]) =>
      new RegExp(`^[0-9a-f]{${HEX[name as keyof typeof HEX]}}$`).test(hex ?? ''),
    ),
  );
const resource = z
  .strictObject({
    name: z.string().min(1).optional(),
    uri: z
      .string()
      .refine((uri) => /^[a-z][a-z+.-]*:/.test(uri))
      .optional(),
    digest: digestSet.optional(),
    annotations: z.record(z.string(), z.unknown()).optional(),
  })
  .refine(({ uri, digest }) => uri !== undefined || digest !== undefined);
const statement = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(resource.refine(({ digest }) => digest?.sha256 !== undefined)).min(1),
  predicateType: z.url(),
  predicate: z.record(z.string(), z.unknown()),
});
const seconds = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
// https://slsa.dev/spec/v1.0/provenance
const provenance = z.strictObject({
  buildDefinition: z.strictObject({
    buildType: z.url(),
    externalParameters: z.record(z.string(), z.unknown()),
    internalParameters: z.record(z.string(), z.unknown()),
    resolvedDependencies: z.array(resource),
  }),
  runDetails: z.strictObject({
    builder: z.strictObject({ id: z.url(), version: z.record(z.string(), z.string()) }),
    metadata: z.strictObject({
      invocationId: z.string().optional(),
      startedOn: seconds.optional(),
      finishedOn: seconds.optional(),
    }),
    byproducts: z.array(resource),
  }),
});
// in-toto Attestation Framework, spec/predicates/test-result.md
const testResult = z.strictObject({
  result: z.enum(['PASSED', 'WARNED', 'FAILED']),
  configuration: z.array(resource).min(1),
  passedTests: z.array(z.string()),
  warnedTests: z.array(z.string()),
  failedTests: z.array(z.string()),
});

describe.each([PACKAGE, IMAGE])('the statements about the files of %s', (id) => {
  const own = made(id);
  it.each([
    [PREDICATES.provenance, provenance, provenanceOf(own, release(), plan)],
    [PREDICATES.tests, testResult, testResultOf(own, plan)],
  ])('follow the rules of %s', (type, shape, predicate) => {
    const text = formatStatement(statementOf(type, subjectsOf(own, new Map()), predicate));
    expect(() => shape.parse(statement.parse(JSON.parse(text)).predicate)).not.toThrow();
    expect(parseStatement('it', text).predicateType).toBe(type);
  });
});

describe('provenance', () => {
  it('names the sources, the base images and their packages', () => {
    const { resolvedDependencies } = provenanceOf(made(PACKAGE), release(), plan).buildDefinition;
    expect(resolvedDependencies).toMatchObject([
      {
        digest: { sha256: sha('tarball') },
        annotations: {
          provider: 'github',
          location: 'github.com/coturn/coturn 4.18.0',
          treeDigest: sha('tree'),
        },
      },
      { uri: 'git+https://github.com/coturn/coturn', digest: { gitCommit: 'a'.repeat(40) } },
      { name: 'turnbuild 0.1.0', uri: 'pkg:npm/turnbuild@0.1.0' },
      {
        uri: `docker://debian:trixie-slim@sha256:${sha('image')}`,
        digest: { sha256: sha('base') },
        annotations: { packages: { dpkg: '1.22.22' }, toolchain: ['dpkg=1.22.22', 'gcc-14=14.2.0-19'] },
      },
    ]);
  });

  it("names the commit of the project's recipes", () => {
    const recipes = { commit: 'b'.repeat(40), modified: true, repository: 'https://github.com/example/own' };
    const manifest = release();
    const steps = manifest.steps.map((step) => ({ ...step, recipes }));
    const own = made(PACKAGE, { ...manifest, steps });
    const { resolvedDependencies } = provenanceOf(own, manifest, plan).buildDefinition;
    const expected = {
      ...{ name: 'recipes, git commit', uri: 'git+https://github.com/example/own' },
      ...{ digest: { gitCommit: recipes.commit }, annotations: { modified: true } },
    };
    expect(resolvedDependencies.filter(({ name }) => name === expected.name)).toEqual([expected]);
    for (const each of resolvedDependencies) expect(() => resource.parse(each)).not.toThrow();
  });

  it('names each step that led to the files, with its digests', () => {
    const { internalParameters } = provenanceOf(made(PACKAGE), release(), plan).buildDefinition;
    expect(internalParameters.steps).toMatchObject([
      {
        ...{ id: 'build:debian-13:x86_64', key: sha('key build'), inputs: { recipe: sha('recipe build') } },
        ...{ compiler: 'gcc 14', patches: ['a patch'], buildArgs: { STAGE: 'build' } },
      },
      { id: PACKAGE, key: sha('key package'), inputs: { recipe: sha('recipe package') } },
    ]);
  });

  it('has the times that the manifest records', () => {
    expect(provenanceOf(made(PACKAGE), release(), plan).runDetails.metadata).toEqual({
      invocationId: sha('plan'),
      startedOn: '2026-11-01T10:00:00Z',
      finishedOn: '2026-11-01T10:05:00Z',
    });
  });

  it('of an image names the package in it, and the choices for the image', () => {
    const withImage = {
      ...plan,
      steps: [...plan.steps, { id: IMAGE, key: sha('planned image') }],
    } as typeof plan;
    const { buildDefinition } = provenanceOf(made(IMAGE), release(), withImage);
    expect(buildDefinition.externalParameters).toMatchObject({ cloud: 'aws', sizeGiB: 2 });
    expect(buildDefinition.resolvedDependencies.at(-1)).toEqual({ name: DEB, digest: { sha256: sha(DEB) } });
  });

  it('leaves out what a replaced plan no longer says', () => {
    const other = { ...plan, steps: plan.steps.map((step) => ({ ...step, key: sha('other') })) };
    const { internalParameters } = provenanceOf(made(PACKAGE), release(), other).buildDefinition;
    expect(internalParameters.steps).toEqual([
      expect.not.objectContaining({ inputs: expect.anything() }),
      { id: PACKAGE, key: sha('key package') },
    ]);
  });

  it('does not contain the path of a local tarball', () => {
    const manifest = release();
    const source = { ...manifest.source, provider: 'file' as const, location: '/home/me/coturn.tar.gz' };
    const text = JSON.stringify(provenanceOf(made(PACKAGE), { ...manifest, source } as Manifest, plan));
    expect(text).not.toContain('/home/me');
  });

  it('is the same for the same release', () => {
    const text = () => JSON.stringify(provenanceOf(made(PACKAGE), release(), plan));
    expect(text()).toBe(text());
  });
});

describe('test results', () => {
  it('name the checks that passed, and the failures that were accepted', () => {
    const result = testResultOf(made(PACKAGE), plan);
    expect(result).toMatchObject({
      result: 'WARNED',
      passedTests: ['stun', 'turn'],
      warnedTests: ['metrics'],
      failedTests: [],
    });
    expect(result.configuration).toMatchObject([
      {
        name: 'verify:debian-13:x86_64',
        digest: { sha256: sha('key verify') },
        annotations: {
          inputs: { recipe: sha('recipe verify') },
          accepted: [{ check: 'metrics', advisories: ['CVE-1'], message: 'message of metrics' }],
          cannotRunThere: [{ check: 'memory' }],
          notApplicable: ['drain'],
        },
      },
    ]);
  });

  it('of an image are those of its boot', () => {
    expect(testResultOf(made(IMAGE), plan)).toMatchObject({ result: 'PASSED', passedTests: ['boot'] });
  });

  it('say that a check failed', () => {
    const [first] = release().steps[2]?.checks ?? [];
    if (first === undefined) throw new Error('no check');
    const manifest = release([{ ...first, status: 'failed' }]);
    expect(testResultOf(made(PACKAGE, manifest), plan)).toMatchObject({
      result: 'FAILED',
      failedTests: ['stun'],
    });
  });
});

describe('files', () => {
  it('that are signed have the digest that users see, and the one before signing', () => {
    const published = new Map([[DEB, sha('signed')]]);
    expect(subjectsOf(made(PACKAGE), published)).toEqual([
      { name: DEB, digest: { sha256: sha('signed') }, annotations: { sha256BeforeSigning: sha(DEB) } },
      { name: `${DEB}.cdx.json`, digest: { sha256: sha(`${DEB}.cdx.json`) } },
    ]);
  });

  it('of images count only if these very images were booted', () => {
    const with_ = (change: (step: Manifest['steps'][number]) => Manifest['steps'][number]) => {
      const manifest = release();
      return {
        ...manifest,
        steps: manifest.steps.map((step) => (step.stage === 'boot' ? change(step) : step)),
      };
    };
    const judged = (status: 'failed' | 'blocked' | 'deselected') =>
      with_((step) => ({ ...step, checks: step.checks?.flatMap((each) => [each, { ...each, status }]) }));
    expect(verifiedImages(release())).toEqual([IMAGE]);
    expect(verifiedImages(with_((step) => ({ ...step, status: 'failed' })))).toEqual([]);
    expect(verifiedImages(with_((step) => ({ ...step, inputs: [] })))).toEqual([]);
    expect(verifiedImages(with_((step) => ({ ...step, checks: [] })))).toEqual([]);
    for (const status of ['failed', 'blocked', 'deselected'] as const)
      expect(verifiedImages(judged(status))).toEqual([]);
    const manifest = release();
    expect(
      verifiedImages({ ...manifest, steps: manifest.steps.filter(({ stage }) => stage !== 'boot') }),
    ).toEqual([]);
  });
});
