import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadRecipes } from '../../../src/run/recipes.ts';
import { errorOf, temporaryFolder } from '../../support/sandbox.ts';

const ROOT = new URL('../../../', import.meta.url).pathname;

it('loadRecipes loads the targets of a folder sorted by name, and ignores other files', async () => {
  const dir = temporaryFolder();
  for (const name of ['recipes', 'patches']) cpSync(join(ROOT, name), join(dir, name), { recursive: true });
  const own = await loadRecipes(join(dir, 'recipes'));
  writeFileSync(join(dir, 'recipes/targets/debian-13.yaml~'), 'what an editor has left');
  writeFileSync(join(dir, 'recipes/targets/README.md'), '# Targets');
  expect(await loadRecipes(join(dir, 'recipes'))).toEqual(own);
  const names = own.targets.map(({ name }) => name);
  expect(names).toContain('portable');
  expect(names).toEqual([...names].sort());
});

it('loadRecipes names the folder if it has no recipes', async () => {
  const dir = temporaryFolder();
  expect(await errorOf(loadRecipes(dir))).toMatchObject({
    code: 'RECIPES_MISSING',
    message: expect.stringContaining(dir),
  });
});
