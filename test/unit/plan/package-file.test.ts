import { describe, expect, it } from 'vitest';
import type { TurnbuildError } from '../../../src/errors.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { describePackage, planPackageFile } from '../../../src/plan/package-file.ts';
import { packageFacts } from '../../support/package-facts.ts';
import { releaseFacts, target } from '../../support/plan-facts.ts';

const debian12 = packageFacts().target;
const debian13 = { ...debian12, name: 'debian-13', suite: 'trixie', label: 'deb13' };
const targets = [debian12, debian13, target('portable')];
const control = { Package: 'coturn', Version: '4.6.1+turnbuild-1~deb13', Architecture: 'arm64' };
const describeIt = (fields: Partial<typeof control>, wanted?: typeof debian12) =>
  describePackage('x.deb', { ...control, ...fields }, { targets, wanted });

describe('describePackage', () => {
  it.each([
    ['4.6.1+turnbuild-1~deb13', '4.6.1'],
    ['4.6.1-1+b2', '4.6.1'],
    ['1:4.18.0+dfsg-2ubuntu1', '4.18.0'],
    ['4.19.0~rc1-1', '4.19.0'],
    ['4.5.2-3+deb11u1', '4.5.2'],
  ])('finds the coturn version in %s', (Version, version) => {
    expect(describeIt({ Version }, debian13).version).toBe(version);
  });

  it("takes the target from the version's label, or the given target", () => {
    expect(describeIt({}).target.name).toBe('debian-13');
    expect(describeIt({}).arch).toBe('arm64');
    expect(describeIt({ Version: '4.6.1-1' }, debian12).target.name).toBe('debian-12');
  });

  it.each<[string, Partial<typeof control>, typeof debian12 | undefined, string, RegExp]>([
    ['another package', { Package: 'nginx' }, undefined, 'PACKAGE_NOT_COTURN', /nginx/],
    [
      'an unsupported architecture',
      { Architecture: 'riscv64' },
      undefined,
      'PACKAGE_ARCH_UNKNOWN',
      /arm64 and amd64/,
    ],
    ['a version without a label', { Version: '4.6.1-1' }, undefined, 'PACKAGE_TARGET_UNKNOWN', /4\.6\.1-1/],
    ['a target of another format', {}, target('portable'), 'PACKAGE_FOREIGN', /portable takes \.rpm/],
    [
      'a package for another distribution',
      {},
      debian12,
      'PACKAGE_FOREIGN',
      /for debian-13 .* not for debian-12/,
    ],
  ])('refuses %s', (_, fields, wanted, code, message) => {
    const refuse = () => describeIt(fields, wanted);
    expect(refuse).toThrow(message);
    try {
      refuse();
    } catch (error) {
      expect((error as TurnbuildError).code).toBe(code);
      expect((error as TurnbuildError).exitCode).toBe(2);
    }
  });
});

it('describePackage suggests only targets of the same package format', () =>
  expect(() => describeIt({ Version: '4.6.1-1' })).toThrow(
    expect.objectContaining({ hint: expect.stringMatching(/--target \(debian-12, debian-13\)/) }),
  ));

describe('planPackageFile', () => {
  const plan = createPlan({ ...releaseFacts, targets: ['debian-13'], architectures: ['x86_64'] });
  const file = describeIt({ Architecture: 'amd64' });

  it('keeps only the verify step, without the Docker stage that needs the sources', () => {
    const { steps } = planPackageFile(plan, file, ['x.deb']);
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({
      stage: 'verify',
      needs: ['package:debian-13:x86_64'],
      packages: ['x.deb'],
      dockerStages: ['inspect', 'verify', 'lab'],
    });
  });
});
