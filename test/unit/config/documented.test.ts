import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { RULES } from '../../../src/config/finding.ts';

it('docs/lint-config.md documents every rule and no other', () => {
  const text = readFileSync(new URL('../../../docs/lint-config.md', import.meta.url), 'utf8');
  const table = text.split('## Rules')[1]?.split('\n## ')[0] ?? '';
  const named = [...table.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/[\w-]+/g) ?? [],
  );
  expect(named.sort()).toEqual(Object.keys(RULES).sort());
});
