import { expect, it } from 'vitest';
import type { PlannedStep } from '../../../src/plan/types.ts';
import { type DockerBuild, runBuildx } from '../../../src/stages/shared/buildx.ts';
import type { StageContext } from '../../../src/stages/shared/context.ts';

const STEP = {
  ...{ id: 'verify:debian-12:x86_64', arch: 'x86_64', base: 'base', targetBase: 'base', buildArgs: {} },
} as unknown as PlannedStep;
const FULL = '#21 1.154 E: Write error - write (28: No space left on device)';

/** A builder that prints a line and succeeds. */
const builds = (line: string, build: Partial<DockerBuild>) => {
  const context = {
    plan: { compilesOn: { arm64: 'x86_64', x86_64: 'x86_64' } },
    recipes: '/recipes',
    bases: new Map([['base', { context: 'oci-layout://base' }]]),
    io: {
      signal: new AbortController().signal,
      proxiesForBuilds: () => [],
      exec: async (_: unknown, { onLine }: { onLine: (line: string) => void }) => {
        onLine(line);
        return { code: 0, stdout: '', stderr: '' };
      },
      files: { requirePlainFiles: async () => {} },
    },
    onLine: () => {},
  } as unknown as StageContext;
  return runBuildx(STEP, context, { dockerStage: 'verify', inputs: 'in', output: 'out', ...build });
};

it('a full disk during a verification is an error of the machine, not a verdict on the package', async () => {
  await expect(builds(FULL, { inTarget: true })).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining("verify:debian-12:x86_64: no space left on the builder's disk"),
  });
});

it('other output of a successful build is no error', async () => {
  await builds('#21 1.154 Setting up coturn', { inTarget: true });
  // Compilers and packaging tools fail if the disk is full.
  await builds(FULL, {});
});
