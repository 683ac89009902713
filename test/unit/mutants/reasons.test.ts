import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const reasons: { file: string; code: string; reason: string }[] = parse(
  readFileSync('test/mutants.yaml', 'utf8'),
);

// `npm run mutants` takes hours; this test finds entries for changed lines at once.
describe('test/mutants.yaml', () => {
  it.each(reasons)('$file contains the line $code, and the entry has a reason', ({ file, code, reason }) => {
    expect(existsSync(file), file).toBe(true);
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.map((line) => line.trim())).toContain(code);
    expect(reason).toMatch(/\w{3}.*\.$/);
  });
});
