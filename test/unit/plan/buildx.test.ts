import { describe, expect, it } from 'vitest';
import { type StepBuild, stepCommand } from '../../../src/plan/buildx.ts';
import type { PlannedStep } from '../../../src/plan/types.ts';

const step: PlannedStep = {
  id: 'build:debian-13:arm64',
  stage: 'build',
  target: 'debian-13',
  arch: 'arm64',
  needs: [],
  outputs: [],
  base: 'trixie-x86_64',
  targetBase: 'trixie-arm64',
  dockerStages: ['build'],
  buildArgs: { DEB_ARCH: 'arm64' },
};
const build: StepBuild = {
  dockerStage: 'build',
  folder: '/recipes/docker/deb',
  base: 'oci-layout:///bases/x@sha256:1',
  target: 'oci-layout:///bases/a@sha256:2',
  inputs: '/in',
  output: '/out',
};
const args = (more: Partial<StepBuild>) => stepCommand(step, { ...build, ...more }).args;

describe('stepCommand', () => {
  it("names a builder only if there is one, and adds a stage's own arguments to the step's", () => {
    expect(args({})).not.toContain('--builder');
    expect(args({ builder: 'far', args: { ATTEMPT: '1' } })).toEqual(
      expect.arrayContaining([
        '--builder',
        'far',
        '--build-arg=DEB_ARCH=arm64',
        '--build-arg=ATTEMPT=1',
        '--platform=linux/arm64',
      ]),
    );
  });

  it('gives the root of the target platform to the stage that runs there', () => {
    expect(args({})).not.toContain('--build-context=target=oci-layout:///bases/a@sha256:2');
    expect(args({ dockerStage: 'verify' })).toContain(
      '--build-context=target=oci-layout:///bases/a@sha256:2',
    );
  });

  it('leaves the build cache alone unless told not to', () => {
    expect(args({}).join(' ')).not.toContain('no-cache');
    expect(args({ noCache: true })).toContain('--no-cache-filter=toolchain,build-run');
    expect(args({ noCache: true, dockerStage: 'package' })).toContain('--no-cache-filter=package-run');
  });
});
