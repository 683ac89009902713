import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sha256File } from '../../src/io/files.ts';
import { quarantineOf } from '../../src/recipe/advisories.ts';
import { loadRecipes } from '../../src/run/recipes.ts';
import { fileFolder, JOBS, manifestOf, NATIVE } from '../support/e2e.ts';
import { drawSources } from '../support/source-draw.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Versions that the Debian archive does not have, from a folder of tarballs (coturn-VERSION.tar.gz) outside the repository.
const folder = process.env.TURNBUILD_TEST_SOURCES;
const reason = 'TURNBUILD_TEST_SOURCES is not set to a folder of coturn tarballs';
const dir = fileFolder('sources');

if (folder === undefined || folder === '') {
  it('builds and verifies two other versions', ({ skip }) => {
    console.log(`no other version of coturn is built: ${reason}`);
    skip(reason);
  });
} else {
  const drawn = drawSources(readdirSync(folder), new Date());
  it(`draws two tarballs of ${folder}`, () => {
    expect(drawn).toHaveLength(2);
    console.log(`drawn by today's date: ${drawn.join(', ')}`);
  });
  it.for(drawn)('builds and verifies %s', async (name) => {
    const source = join(folder, name);
    const version = name.replace(/^coturn-|\.tar\.gz$/g, '');
    const out = join(dir, version);
    const run = await turnbuild([
      ...[
        'release',
        version,
        '--source',
        source,
        '--sha256',
        await sha256File(source),
        '--allow-quarantined',
      ],
      ...['--target', 'debian-13', '--arch', NATIVE, '--out', out, ...JOBS],
    ]);
    console.log(run.stdout, run.stderr);
    const { quarantine } = await loadRecipes();
    if (quarantineOf(version, quarantine) !== undefined) {
      // The verification detects the fault for which the version is quarantined.
      expect(run.stderr).toMatch(/VERIFY_FAILED/);
      expect(run.code).toBe(1);
      return;
    }
    const { advisories, steps } = manifestOf(out, version);
    expect(steps.map(({ stage }) => stage)).toEqual(['build', 'package', 'verify']);
    const failed = steps.flatMap(({ checks = [] }) => checks.filter(({ status }) => status === 'failed'));
    // A healthy version passes. Every failure must be a known fault of that version.
    const known = new Set(advisories.map(({ id }) => id));
    const unexplained = failed.filter(
      ({ advisories: ids = [] }) => ids.length === 0 || !ids.every((id) => known.has(id)),
    );
    expect(unexplained.map(({ id, message }) => `${id}: ${message}`)).toEqual([]);
    expect(run.code).toBe(failed.length === 0 ? 0 : 1);
  });
}
