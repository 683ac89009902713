import { existsSync, readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import { sha256Text } from '../../src/io/files.ts';
import { parsePlan, planDigest } from '../../src/plan/document.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { type ToyRelease, toyRelease } from '../support/toy-release.ts';

// A later revision in the folder of an earlier one: which files are removed and which stay.
let dir: string;
let release: ToyRelease;
beforeEach(async () => {
  dir = temporaryFolder();
  release = toyRelease(dir);
  await release.run();
});

const packages = () =>
  readdirSync(release.out)
    .filter((name) => name.startsWith('coturn'))
    .sort();
const OLD = 'coturn_4.6.1+turnbuild-1~deb13_amd64.deb';
const at = (name: string) => join(release.out, name);

describe('packages of another revision', () => {
  it('replace the earlier ones in the folder, the manifest and SHA256SUMS', async () => {
    const before = packages();
    const { steps } = await release.run({ revision: 2 });
    const listed = steps.filter(({ stage }) => stage === 'package').flatMap(({ outputs }) => outputs);
    expect(packages()).toEqual(before.map((name) => name.replace('turnbuild-1', 'turnbuild-2')).sort());
    expect(packages()).toEqual(listed.map(({ path }) => path).sort());
    const sums = readFileSync(at('SHA256SUMS'), 'utf8').trimEnd().split('\n');
    expect(sums.map((line) => line.slice(66))).toEqual(packages());
  });

  it('are stored with their own plan', async () => {
    const { plan } = await release.run({ revision: 2 });
    const document = parsePlan('plan.json', readFileSync(at('plan.json'), 'utf8'), sha256Text);
    expect(document.coturn.revision).toBe(2);
    expect(planDigest(document, sha256Text)).toBe(plan);
  });

  it('replace the earlier ones even if a rebuild has dropped their records', async () => {
    release.setRecipe('build', 'build 2');
    await release.run({ revision: 2 });
    expect(packages().filter((name) => name.includes('turnbuild-1'))).toEqual([]);
    expect(packages()).toHaveLength(12);
  });

  it('keep the packages of targets that were not built again', async () => {
    await release.run({ revision: 2, part: 'debian-12 arm64' });
    expect(existsSync(at(OLD))).toBe(true);
    expect(packages().filter((name) => name.includes('turnbuild-1'))).toHaveLength(9);
    expect(packages()).toHaveLength(12);
  });

  it('keep the earlier package if packaging fails', async () => {
    release.middle.set('package:debian-13:x86_64', async () => {
      throw new TurnbuildError('PLANTED', 'planted');
    });
    await errorOf(release.run({ revision: 2 }));
    expect(existsSync(at(OLD))).toBe(true);
  });

  it.each<[string, () => void]>([
    ['that the manifest did not list', () => writeFileSync(at('coturn_mine.deb'), 'mine')],
    ['whose bytes have changed since', () => writeFileSync(at(OLD), 'mine')],
  ])('keep a file %s', async (_, plant) => {
    plant();
    const mine = packages().filter((name) => readFileSync(at(name), 'utf8') === 'mine');
    expect(mine).toHaveLength(1);
    await release.run({ revision: 2 });
    expect(packages()).toHaveLength(13);
    expect(readFileSync(at(String(mine[0])), 'utf8')).toBe('mine');
  });

  it('keep a link in place of an earlier package, and the target of the link', async () => {
    const text = readFileSync(at(OLD), 'utf8');
    writeFileSync(join(dir, 'elsewhere'), text);
    unlinkSync(at(OLD));
    symlinkSync(join(dir, 'elsewhere'), at(OLD));
    await release.run({ revision: 2 });
    expect(readFileSync(join(dir, 'elsewhere'), 'utf8')).toBe(text);
    expect(existsSync(at(OLD))).toBe(true);
  });
});
