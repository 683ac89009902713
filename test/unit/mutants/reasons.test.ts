import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const reasons: { file: string; code: string; reason: string }[] = parse(
  readFileSync('test/mutants.yaml', 'utf8'),
);

// `npm run mutants` takes hours, so that a reason whose line has changed would be found late.
describe('test/mutants.yaml', () => {
  it.each(reasons)('$file has the line $code', ({ file, code, reason }) => {
    expect(existsSync(file), file).toBe(true);
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.map((line) => line.trim())).toContain(code);
    expect(reason).toMatch(/\w{3}.*\.$/);
  });
});
