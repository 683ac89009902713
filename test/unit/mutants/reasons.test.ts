import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const reasons: { file: string; code: string; reason: string }[] = parse(
  readFileSync('test/mutants.yaml', 'utf8'),
);

// `npm run mutants` takes hours, so it would find a reason for a changed line late.
describe('test/mutants.yaml', () => {
  it.each(reasons)('$file has the line $code', ({ file, code, reason }) => {
    expect(existsSync(file), file).toBe(true);
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.map((line) => line.trim())).toContain(code);
    expect(reason).toMatch(/\w{3}.*\.$/);
  });
});
