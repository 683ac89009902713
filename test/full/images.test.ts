import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { copyRecipes, fileFolder, filesOf, NATIVE, release, run461 } from '../support/e2e.ts';
import { withMachineClockOfTomorrow } from '../support/elsewhere.ts';

// Builds the images of one package in several ways. The package itself is tested elsewhere.
const dir = fileFolder('full-images');
const out = join(dir, 'once');
const again = join(dir, 'again');
const ARGS = ['--arch', NATIVE];
const image = (...args: string[]) => run461('image', [...ARGS, '--no-boot', ...args]);

beforeAll(async () => {
  const run = await release([...ARGS, '--out', out, '--target', 'debian-13', '--only', 'elf']);
  expect(run.code, run.stderr).toBe(0);
  cpSync(out, again, { recursive: true });
});

it('are the same bytes a day later, without the build cache', async () => {
  const first = await image('--out', out);
  expect(first.code, first.stderr).toBe(0);
  const recipes = copyRecipes(dir);
  withMachineClockOfTomorrow(recipes);
  const second = await image('--out', again, '--recipes', recipes, '--no-cache');
  expect(second.code, second.stderr).toBe(0);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const log = readFileSync(join(again, '4.6.1', 'work', 'logs', `image-aws-${NATIVE}.log`), 'utf8');
  expect(log.match(new RegExp(`the clock says ${tomorrow}`, 'g'))).toHaveLength(3);
  const names = filesOf(out, /^coturn-4/);
  expect(names).toHaveLength(6);
  for (const name of names) {
    const [one, other] = [out, again].map((folder) => readFileSync(join(folder, '4.6.1', name)));
    expect(one?.equals(other ?? Buffer.alloc(0)), name).toBe(true);
  }
});
