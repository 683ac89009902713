import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const TESTS = new URL('../../', import.meta.url).pathname;
const text = readFileSync(join(TESTS, '../docs/testing.md'), 'utf8');
const named = [...text.matchAll(/`((?:unit|integration|thorough|e2e|full)\/[\w/-]+)`/g)].map(
  ([, name = '']) => name,
);

it('docs/testing.md names only tests that exist', () => {
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(
    (name) => !existsSync(join(TESTS, `${name}.test.ts`)) && !existsSync(join(TESTS, name)),
  );
  expect(missing).toEqual([]);
});

it.each(['e2e', 'full'])('docs/testing.md names every test of the project %s', (project) => {
  const files = readdirSync(join(TESTS, project)).map((name) => `${project}/${name.replace('.test.ts', '')}`);
  expect(files.filter((name) => !named.includes(name))).toEqual([]);
});
