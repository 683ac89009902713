import { type CheckResult, type Manifest, manifestSchema } from '../../../../src/manifest/schema.ts';
import type { PlanDocument } from '../../../../src/plan/document.ts';
import { sha } from '../../ui/manifest-fixture.ts';

const place = { target: 'debian-13', arch: 'x86_64' } as const;
const file = (path: string, kind: string) => ({ path, kind, size: 3, sha256: sha(path), ...place });
const inputOf = ({ path, sha256 }: { path: string; sha256: string }) => ({ path, sha256 });

export const DEB = 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb';
const BASE = { 'trixie-x86_64': `sha256:${sha('base')}` };
const program = file('work/build/debian-13-x86_64/turnserver', 'build');
const deb = file(DEB, 'deb');
const sbom = file(`${DEB}.cdx.json`, 'sbom');
const image = file('coturn-4.18.0-1-aws-x86_64.raw.zst', 'image');
const list = file('coturn-4.18.0-1-aws-x86_64.packages.txt', 'package-list');

const check = (id: string, status: CheckResult['status'], more: Partial<CheckResult> = {}): CheckResult => ({
  ...{ id, title: `Title of ${id}`, reason: '', message: `message of ${id}`, figures: {}, status },
  ...more,
});

/** A release with a package and an image, as a manifest. Each member that statements use differs from all others. */
export function release(checks?: CheckResult[]): Manifest {
  const step = (stage: string, more: object) => ({
    id: `${stage}:debian-13:x86_64`,
    ...{ stage, key: sha(`key ${stage}`), planned: sha(`planned ${stage}`), inputs: [], bases: BASE },
    ...{ status: 'done', seconds: 60, outputs: [], ...place },
    ...more,
  });
  return manifestSchema.parse({
    schema: 3,
    turnbuild: '0.1.0',
    plan: sha('plan'),
    coturn: { version: '4.18.0', revision: 1, epoch: 1_700_000_000 },
    packageVersion: '4.18.0+turnbuild-1',
    source: {
      provider: 'github',
      location: 'github.com/coturn/coturn 4.18.0',
      ...{ sha256: sha('tarball'), tree: sha('tree'), commit: 'a'.repeat(40), gitTree: 'b'.repeat(40) },
    },
    advisories: [],
    bases: [
      {
        ...{ name: 'trixie-x86_64', suite: 'trixie', arch: 'x86_64', origin: 'registry' },
        ...{ digest: BASE['trixie-x86_64'], image: `debian:trixie-slim@sha256:${sha('image')}` },
        packages: { dpkg: '1.22.22' },
      },
    ],
    steps: [
      step('build', {
        outputs: [program],
        finished: '2026-11-01T10:01:00.500Z',
        facts: { compiler: 'gcc 14', toolchain: ['dpkg=1.22.22', 'gcc-14=14.2.0-19'], patches: ['a patch'] },
      }),
      step('package', {
        ...{ inputs: [inputOf(program)], outputs: [deb, sbom], finished: '2026-11-01T10:05:00.900Z' },
      }),
      step('verify', {
        inputs: [program, deb, sbom].map(inputOf),
        checks: checks ?? [
          check('stun', 'passed'),
          check('turn', 'passed'),
          check('metrics', 'accepted', { advisories: ['CVE-1'] }),
          check('memory', 'cannot-here'),
          check('drain', 'not-applicable'),
        ],
      }),
      step('image', {
        ...{
          id: 'image:aws:x86_64',
          cloud: 'aws',
          inputs: [program, deb].map(inputOf),
          outputs: [image, list],
        },
      }),
      step('boot', {
        ...{ id: 'boot:aws:x86_64', cloud: 'aws', inputs: [image, list].map(inputOf) },
        checks: [check('boot', 'passed')],
      }),
    ],
  });
}

/** What statements read of the plan of the release. */
export const plan = {
  maintainer: 'Packages <packages@example.org>',
  choices: { machine: { clouds: ['aws'], sizeGiB: 2 } },
  steps: ['build', 'package', 'verify'].map((stage) => ({
    ...{ id: `${stage}:debian-13:x86_64`, key: sha(`planned ${stage}`) },
    ...{ inputs: { recipe: sha(`recipe ${stage}`) }, buildArgs: { STAGE: stage } },
  })),
} as unknown as PlanDocument;
