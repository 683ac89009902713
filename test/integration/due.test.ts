import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { serve } from '../support/http-server.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { publishing, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const { place } = publishing('apt');

/** A repository that has 4.18.0-2 in `testing`. */
async function published() {
  const own = place();
  packagedRelease(own.out, { revision: 2 });
  const { code, stderr } = await own.publish();
  expect(code, stderr).toBe(0);
  return own;
}

/** `turnbuild due` on a machine that can reach GitHub, where 4.18.0 is the newest coturn. */
async function due(...args: string[]) {
  const github = await serve((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify([{ tag_name: '4.18.0', draft: false, prerelease: false }]));
  });
  const env = { GITHUB_API_URL: github.url, GITHUB_TOKEN: '' };
  const run = await turnbuild(['due', ...args, '--json'], { cwd: temporaryFolder(), env });
  return run.code === 0 ? (JSON.parse(run.stdout) as Record<string, unknown>) : run;
}

const PUBLISHED = { due: false, version: '4.18.0', revision: 2 };

describe('turnbuild due', () => {
  it('reads the URL if this machine does not have the folder', async () => {
    const { repo } = await published();
    const { url } = await serveRepository(repo);
    expect(await due('--repo', repo)).toMatchObject(PUBLISHED);
    expect(await due('--repo', `${repo}-elsewhere`, '--url', url)).toMatchObject(PUBLISHED);
    expect(await due('--repo', `${repo}-elsewhere`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--url is missing: needed to find out what is published'),
    });
  });

  it('builds a requested release even if it cannot find out what is published', async () => {
    const { repo } = await published();
    expect(await due('coturn-4.18.0')).toMatchObject({ due: true, version: '4.18.0', revision: 1 });
    expect(await due('coturn-4.18.0', '--repo', repo)).toMatchObject({ due: true, revision: 2 });
    rmSync(join(repo, 'releases'), { recursive: true });
    expect(await due('coturn-4.18.0', '--repo', repo)).toMatchObject({ due: true, revision: 1 });
  });

  it('refuses a repository whose record it cannot read', async () => {
    const { repo } = await published();
    expect(await due('--repo', repo, '--channel', 'stable')).toMatchObject({ due: true, revision: 1 });
    rmSync(join(repo, 'releases'), { recursive: true });
    const { url } = await serveRepository(repo);
    for (const args of [
      ['--repo', repo],
      ['--url', url],
    ])
      expect(await due(...args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('RECORD_MISSING'),
      });
    rmSync(join(repo, 'key.asc'));
    expect(await due('--url', url)).toMatchObject({ due: true, version: '4.18.0', revision: 1 });
  });
});

it('publishing an older release keeps the record of a newer one, but replaces a damaged one', async () => {
  const { repo, out, publish } = await published();
  const file = join(repo, 'releases/testing.json');
  const record = readFileSync(file);
  packagedRelease(out, { version: '4.17.0', revision: 3 });
  const older = await publish(['4.17.0']);
  expect(older.code, older.stderr).toBe(0);
  expect(older.stdout).toContain('Published coturn 4.17.0+turnbuild-3.');
  expect(readFileSync(file)).toEqual(record);
  writeFileSync(file, 'damaged');
  expect((await publish(['4.17.0'])).code).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8')).coturn).toMatchObject({ version: '4.17.0', revision: 3 });
});
