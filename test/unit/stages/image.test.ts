import { describe, expect, it } from 'vitest';
import { sha256Text } from '../../../src/io/files.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { boot } from '../../../src/stages/boot.ts';
import { image } from '../../../src/stages/image.ts';
import type { CommandContext, InputsContext } from '../../../src/stages/shared/context.ts';
import { machine, releaseFacts } from '../../support/plan-facts.ts';

const plan = createPlan({ ...releaseFacts, targets: ['debian-13'], machine });
const stepOf = (id: string) => {
  const found = plan.steps.find((step) => step.id === id);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
};

/** The files in a release's folder, and the state of the archive. */
async function inputs(files: Record<string, string>, archive: string | undefined) {
  const read = async (path: string) => files[path.replace('/dist/', '')] ?? `content of ${path}`;
  const context = {
    ...{ plan, dir: '/dist' },
    io: {
      files: { sha256Text, sha256File: async (path: string) => sha256Text(await read(path)), readText: read },
    },
    bases: new Map(plan.bases.map(({ id }) => [id, { digest: `sha256:${id}` }])),
    archive: async ({ suite }: { suite: string }) =>
      archive === undefined ? undefined : { id: `${archive} of ${suite}`, suites: [suite] },
  } as unknown as InputsContext;
  return image.inputs(stepOf('image:aws:arm64'), context);
}

describe("an image's inputs", () => {
  it('are the package, the agent and its configuration, base images, and the current packages of the archive', async () => {
    const before = await inputs({}, 'Monday');
    expect(Object.keys(before).sort()).toEqual(['agent', 'archive', 'base', 'package', 'target']);
    expect(before.archive).toBe('Monday of trixie');
    expect(await inputs({}, 'Monday')).toEqual(before);
    expect(await inputs({}, 'Tuesday')).toEqual({ ...before, archive: 'Tuesday of trixie' });
    expect((await inputs({}, undefined)).archive).toBe('unknown');
    const deb = 'coturn_4.6.1+turnbuild-1~deb13_arm64.deb';
    const other = await inputs({ [deb]: 'other bytes' }, 'Monday');
    expect({ ...other, package: before.package }).toEqual(before);
    expect(other.package).not.toBe(before.package);
  });
});

describe.each([
  ['an image', image, 'image:aws:arm64'],
  ['the boot of an image', boot, 'boot:aws:arm64'],
])('%s', (_, stage, id) => {
  it('is built with the current packages of the archive', () => {
    const context = {
      ...{ plan, recipes: '/recipes', dir: '/dist', bootProgram: '/boot.mjs', attempt: 'RANDOM' },
      io: { proxiesForBuilds: () => [], leftovers: { owner: () => 'OWNER' } },
      bases: new Map(plan.bases.map(({ id: name }) => [name, { context: name }])),
    } as unknown as CommandContext;
    const [build] = stage.commands(stepOf(id), context, { archive: 'STATE', repositories: {} });
    expect(build?.args).toContain('--build-arg=ARCHIVE_STATE=STATE');
    expect(build?.args.includes('--label=turnbuild.lab=OWNER')).toBe(stage === boot);
  });
});
