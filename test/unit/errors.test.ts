import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXIT, exitCodeOf, TurnbuildError, USAGE_CODES, usageError } from '../../src/errors.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** All source files except errors.ts, as one text. */
const source = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== 'errors.ts')
  .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
  .join('\n');

describe('exit codes', () => {
  it.each([
    ['SOURCE_NOT_FOUND', EXIT.usage],
    ['MIRROR_UNKNOWN', EXIT.usage],
    ['DOCKER_MISSING', EXIT.failed],
    ['INTERRUPTED', EXIT.interrupted],
  ])('follow from the error code: %s exits with %i', (code, exit) => {
    expect(exitCodeOf(code)).toBe(exit);
    expect(new TurnbuildError(code, 'x').exitCode).toBe(exit);
  });

  it('are 2 for a usage error', () => {
    for (const code of USAGE_CODES) expect(usageError(code, 'x').exitCode).toBe(EXIT.usage);
  });

  it('are never set on individual errors', () => {
    expect(source).not.toMatch(/exitCode: (EXIT|\d)/);
  });

  it('are documented for exactly the usage errors, all of which are used in src', () => {
    const text = readFileSync(join(root, 'docs/exit-codes.md'), 'utf8');
    const listed = [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(listed).toEqual([...USAGE_CODES]);
    for (const code of USAGE_CODES) expect(source).toContain(`'${code}'`);
  });
});
