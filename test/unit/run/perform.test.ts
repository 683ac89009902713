import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { runProcess } from '../../../src/io/exec.ts';
import { createIo } from '../../../src/io/index.ts';
import type { StageName } from '../../../src/manifest/stages.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { assumedBuilder } from '../../../src/run/builder.ts';
import { dryRunCommands } from '../../../src/run/dry-run.ts';
import { fetchShown } from '../../../src/run/fetch-shown.ts';
import { performRelease } from '../../../src/run/perform.ts';
import type { PlannedRelease, Session } from '../../../src/run/session.ts';
import { coturnTar } from '../../support/coturn-tree.ts';
import { releaseFacts, target, withoutAddresses } from '../../support/plan-facts.ts';
import { errorOf, temporaryFolder } from '../../support/sandbox.ts';

// Tests what a real run does before its first step.
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

const BEGUN = new Error('the first step would begin');
const begin = async () => {
  throw BEGUN;
};
const session = (options: Session['options'] = {}): Session =>
  ({
    options,
    output: { line: () => {}, styled: () => {}, data: () => {} },
    recipes: { dir: join(dir, 'recipes'), patches: join(dir, 'patches'), quarantine: [] },
    io: createIo(runProcess, new AbortController().signal),
    cache: join(dir, 'cache'),
    locks: { own: join(dir, 'turnbuild.lock.json'), beneath: undefined },
    mirrors: { debian: undefined, security: undefined, named: {} },
    jobs: 1,
  }) as unknown as Session;
const release = (name: string, of = target(name)): PlannedRelease => ({
  ...{ source: undefined, document: undefined, full: false, keys: new Map(), rebuild: new Set() },
  selection: { only: [], skip: [], reason: undefined, accept: [] },
  plan: createPlan({ ...releaseFacts, targets: [name], knownTargets: [of] }),
  builder: assumedBuilder(),
  dir: join(dir, 'dist'),
});

describe('the repositories of an rpm distribution', () => {
  const bare = () => release('el9', withoutAddresses('el9'));

  it.each(['build', 'verify'] as const)('need addresses before a %s begins', async (stage) => {
    const error = await errorOf(performRelease(session(), bare(), [stage], begin));
    expect(error.code).toBe('MIRROR_UNKNOWN');
    expect(existsSync(join(dir, 'dist'))).toBe(false);
  });

  it.each<[StageName, string]>([
    ['package', 'el9'],
    ['build', 'debian-13'],
    ['verify', 'debian-13'],
  ])('do not stop a %s of %s', async (stage, name) => {
    const planned = name === 'el9' ? bare() : release(name);
    await expect(performRelease(session(), planned, [stage], begin)).rejects.toBe(BEGUN);
  });

  it('get a placeholder in a dry run if they have no address', async () => {
    const lines = async (planned: PlannedRelease) =>
      (await dryRunCommands(session(), planned, ['build'])).map(({ line }) => line).join('\n');
    expect(await lines(bare())).toMatch(/SYSROOT_REPOSITORIES=MIRROR\//);
    expect(await lines(release('el9'))).toMatch(/SYSROOT_REPOSITORIES=https:\/\/repo/);
    expect(await lines(release('debian-13'))).not.toContain('SYSROOT_REPOSITORIES');
  });
});

it('the sources are in the output folder before the first step begins', async () => {
  const file = join(dir, 'coturn.tar.gz');
  writeFileSync(file, gzipSync(coturnTar('4.6.1')));
  const source = await fetchShown(session({ source: file, unpinned: true }), undefined);
  const planned = { ...release('debian-13'), source };
  await expect(performRelease(session(), planned, ['build'], begin)).rejects.toBe(BEGUN);
  expect(readdirSync(join(dir, 'dist', 'work', 'source'))).toContain('coturn-4.6.1.tar');
});
