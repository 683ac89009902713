import { describe, expect, it } from 'vitest';
import type { CheckResult, Manifest, ManifestStep } from '../../../src/manifest/schema.ts';
import { verifiedPackages } from '../../../src/publish/packages.ts';
import { fixture } from '../ui/manifest-fixture.ts';

const ALL = { targets: undefined, architectures: undefined };
const VERIFICATION = 'verify-debian-13-x86_64';

/** The release with one step changed. */
function with_(id: string, change: (step: ManifestStep) => ManifestStep): Manifest {
  const manifest = fixture();
  return { ...manifest, steps: manifest.steps.map((step) => (step.id === id ? change(step) : step)) };
}

const withFirstCheck = (change: Partial<CheckResult>) =>
  with_(VERIFICATION, (step) => ({
    ...step,
    checks: step.checks?.map((check, index) => (index === 0 ? { ...check, ...change } : check)),
  }));

describe('verifiedPackages', () => {
  it('takes all packages of a verified release', () => {
    const groups = verifiedPackages(fixture(), ALL);
    expect(groups.map(({ target, arch, files }) => [target, arch, files.length])).toEqual([
      ['debian-12', 'arm64', 2],
      ['debian-12', 'x86_64', 2],
      ['debian-13', 'arm64', 2],
      ['debian-13', 'x86_64', 2],
    ]);
  });

  it('takes only the chosen ones', () => {
    const groups = verifiedPackages(fixture(), { targets: ['debian-13'], architectures: ['arm64'] });
    expect(groups.map(({ id }) => id)).toEqual(['package-debian-13-arm64']);
  });

  it('names the accepted advisories', () => {
    const manifest = withFirstCheck({ status: 'accepted', advisories: ['CVE-2', 'CVE-1'] });
    expect(verifiedPackages(manifest, ALL).at(-1)?.accepted).toEqual(['CVE-1', 'CVE-2']);
  });

  it.each<[string, Manifest, string]>([
    [
      'without a verification',
      { ...fixture(), steps: fixture().steps.filter(({ id }) => id !== VERIFICATION) },
      'debian-13 x86_64: not verified',
    ],
    [
      'whose verification failed',
      with_(VERIFICATION, (step) => ({ ...step, status: 'failed', error: 'no memory' })),
      'debian-13 x86_64: the verification failed (no memory)',
    ],
    [
      'that could not be built',
      with_('package-debian-13-x86_64', (step) => ({ ...step, status: 'failed', error: 'no disk' })),
      'debian-13 x86_64: could not be built (no disk)',
    ],
    [
      'that are not the ones that were verified',
      with_('package-debian-13-x86_64', (step) => ({
        ...step,
        outputs: step.outputs.map((output) => ({ ...output, sha256: 'f'.repeat(64) })),
      })),
      'the verification was of other files: coturn_',
    ],
    [
      'of a verification without inputs',
      with_(VERIFICATION, (step) => ({ ...step, inputs: [] })),
      'the verification was of other files: coturn_',
    ],
    [
      'without a check that passed',
      with_(VERIFICATION, (step) => ({
        ...step,
        checks: step.checks?.map((check) => ({ ...check, status: 'not-applicable' as const })),
      })),
      'no check passed',
    ],
    ['without checks', with_(VERIFICATION, ({ checks: _, ...step }) => step), 'no check passed'],
    ['with a failed check', withFirstCheck({ status: 'failed' }), '1 check failed (elf-architecture)'],
    ['with a blocked check', withFirstCheck({ status: 'blocked' }), '1 check could not run because of'],
    ['that are partly verified', withFirstCheck({ status: 'deselected' }), '1 check left out by --only or'],
  ])('refuses packages %s', (_, manifest, message) => {
    expect(() => verifiedPackages(manifest, ALL)).toThrow(
      expect.objectContaining({ code: 'PUBLISH_UNVERIFIED', message: expect.stringContaining(message) }),
    );
    // The other packages are fine.
    expect(verifiedPackages(manifest, { ...ALL, targets: ['debian-12'] })).toHaveLength(2);
  });

  it('names the checks that could not run', () => {
    const manifest = withFirstCheck({ status: 'cannot-here' });
    expect(verifiedPackages(manifest, ALL).at(-1)?.cannotHere).toEqual(['elf-architecture']);
  });

  it('refuses a choice of which the release lacks a part', () => {
    expect(() => verifiedPackages(fixture(), { ...ALL, targets: ['debian-13', 'portable'] })).toThrow(
      expect.objectContaining({ code: 'PUBLISH_EMPTY', message: expect.stringContaining('for portable') }),
    );
  });

  it('refuses a choice of no packages', () => {
    expect(() => verifiedPackages(fixture(), { ...ALL, targets: ['portable'] })).toThrow(
      expect.objectContaining({ code: 'PUBLISH_EMPTY' }),
    );
  });
});
