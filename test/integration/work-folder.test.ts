import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withWorkFolder } from '../../src/io/work-folder.ts';
import { temporaryFolder } from '../support/sandbox.ts';

/** The kernel's limit is lower, so no process has this id. */
const DEAD = 4_194_999;

it('a work folder is private, and is removed afterwards, even after an error', async () => {
  const parent = join(temporaryFolder(), 'cache');
  const [first, second] = await withWorkFolder(parent, 'publish', (one) =>
    withWorkFolder(parent, 'publish', async (two) => {
      expect((statSync(one).mode & 0o777).toString(8)).toBe('700');
      return [one, two];
    }),
  );
  expect(first).not.toBe(second);
  await expect(
    withWorkFolder(parent, 'publish', async () => {
      throw new Error('failed');
    }),
  ).rejects.toThrow('failed');
  expect(readdirSync(parent)).toEqual([]);
});

it('the work folders of dead processes are removed, and nothing else', async () => {
  const parent = temporaryFolder();
  const dead = join(parent, `publish.${DEAD}.aBcDeF`);
  const others = [
    `publish.${process.pid}.aBcDeF`,
    `other.${DEAD}.aBcDeF`,
    `publish.${DEAD}`,
    'publish.json.old',
  ];
  for (const name of [dead, ...others.map((name) => join(parent, name))]) mkdirSync(name);
  await withWorkFolder(parent, 'publish', async () => expect(existsSync(dead)).toBe(false));
  expect(readdirSync(parent).sort()).toEqual(others.sort());
});
