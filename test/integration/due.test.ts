import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { formatManifest, parseManifest } from '../../src/manifest/store.ts';
import { coturnReleases, dueWith } from '../support/due.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, publishing, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const { place } = publishing('apt');
const UPSTREAM = ['4.18.0', '4.17.2'];

/** A copy of a repository that has 4.17.2-1 and 4.18.0-2 in `testing`, and 4.17.2-1 in `stable`. */
let template: string;
beforeAll(async () => {
  const own = place(mkdtempSync(join(tmpdir(), 'turnbuild-test-')));
  for (const [version, revision] of [
    ['4.17.2', 1],
    ['4.18.0', 2],
  ] as const) {
    packagedRelease(own.out, { version, revision });
    expect(await own.publish([version])).toMatchObject({ code: 0 });
    if (revision === 1) expect(await own.run('promote', [version])).toMatchObject({ code: 0 });
  }
  template = own.dir;
  return () => rmSync(own.dir, { recursive: true, force: true });
});
function published() {
  const own = place();
  for (const dir of ['dist', 'repo'])
    cpSync(join(template, dir), join(own.dir, dir), { recursive: true, preserveTimestamps: true });
  return own;
}

const recordOf = (repo: string, name: string) =>
  JSON.parse(readFileSync(join(repo, `releases/${name}.json`), 'utf8')).packageVersion;
const due = (...args: string[]) => dueWith(UPSTREAM, args);
const PUBLISHED = { due: false, version: '4.18.0', revision: 2 };

describe('turnbuild due', () => {
  it('reads the URL if this machine does not have the folder, without credentials', async () => {
    const { repo } = published();
    const { url } = await serveRepository(repo);
    expect(await due('--repo', repo)).toMatchObject(PUBLISHED);
    expect(await due('--repo', `${repo}-elsewhere`, '--url', url)).toMatchObject(PUBLISHED);
    expect(await due('--repo', 's3://example-packages', '--url', url)).toMatchObject(PUBLISHED);
    expect(await due('--repo', `${repo}-elsewhere`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--url is missing: this machine has no folder'),
    });
    expect(await due('--to', 'apt')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--url is missing: needed to find out what is published'),
    });
  });

  it('finds the newest release due if the repository does not exist yet', async () => {
    const repo = temporaryFolder();
    const { url } = await serveRepository(join(repo, 'nothing'));
    for (const args of [
      ['--repo', repo],
      ['--url', url],
    ])
      expect(await due(...args)).toMatchObject({
        ...{ due: true, version: '4.18.0', revision: 1 },
        reason: 'Nothing is published yet; the newest coturn is 4.18.0.',
      });
  });

  it('builds a requested release even if it cannot find out what is published', async () => {
    const { repo } = published();
    expect(await due('coturn-4.18.0')).toMatchObject({ due: true, version: '4.18.0', revision: 1 });
    expect(await due('coturn-4.18.0', '--repo', `${repo}-elsewhere`)).toMatchObject({ revision: 1 });
    expect(await due('coturn-4.18.0', '--repo', repo)).toMatchObject({ due: true, revision: 2 });
    writeFileSync(join(repo, 'releases/4.18.0+turnbuild-1.json'), 'damaged');
    rmSync(join(repo, 'releases/testing.json'));
    expect(await due('coturn-4.18.0', '--repo', repo)).toMatchObject({ due: true, revision: 2 });
    rmSync(join(repo, 'releases'), { recursive: true });
    expect(await due('coturn-4.18.0', '--repo', repo)).toMatchObject({ due: true, revision: 1 });
  });

  it('refuses a repository without records, or with one that is not valid', async () => {
    const { repo } = published();
    const { url } = await serveRepository(repo);
    const failsWith = (code: string) => ({ code: 1, stderr: expect.stringContaining(`[${code}]`) });
    const file = join(repo, 'releases/testing.json');
    const manifest = parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
    writeFileSync(file, '<html>');
    expect(await due('--url', url)).toMatchObject(failsWith('RECORD_INVALID'));
    writeFileSync(file, formatManifest({ ...manifest, schema: 99 as never }, sha256Text));
    expect(await due('--url', url)).toMatchObject(failsWith('MANIFEST_NEWER'));
    writeFileSync(file, formatManifest(manifest, sha256Text));
    const own = join(repo, 'releases/4.18.0+turnbuild-3.json');
    writeFileSync(own, formatManifest(manifest, sha256Text));
    expect(await due('--url', url)).toMatchObject(failsWith('RECORD_INVALID'));
    rmSync(join(repo, 'releases'), { recursive: true });
    for (const args of [
      ['--repo', repo],
      ['--url', url],
    ])
      expect(await due(...args)).toMatchObject(failsWith('RECORD_MISSING'));
    rmSync(join(repo, 'key.asc'));
    expect(await due('--url', url)).toMatchObject({ due: true, version: '4.18.0', revision: 1 });
  });

  it('fails if the repository or upstream is unreachable', async () => {
    const { repo } = published();
    const nowhere = 'http://127.0.0.1:9';
    const env = { GITHUB_API_URL: nowhere };
    expect(await dueWith([], ['--repo', repo], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[GITHUB_UNREACHABLE]'),
    });
    expect(await dueWith([], ['--repo', repo])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[SOURCE_NOT_FOUND]'),
    });
  });

  it('reads the records of an early turnbuild, which had none of each release', async () => {
    const { repo, out, publish } = published();
    for (const name of ['4.17.2+turnbuild-1', '4.18.0+turnbuild-2'])
      rmSync(join(repo, `releases/${name}.json`));
    expect(await due('--repo', repo)).toMatchObject(PUBLISHED);
    expect(await due('--repo', repo, '--channel', 'stable')).toMatchObject({
      ...{ due: false, version: '4.17.2' },
      next: 'To move stable to it: turnbuild promote 4.18.0+turnbuild-2 --channel stable --from testing',
    });
    packagedRelease(out, { version: '4.19.0' });
    expect(await publish(['4.19.0'])).toMatchObject({ code: 0 });
    expect(recordOf(repo, '4.18.0+turnbuild-2')).toBe('4.18.0+turnbuild-2');
  });
});

describe('turnbuild due in a project', () => {
  const project = (settings: string) => {
    const own = published();
    writeFileSync(join(own.dir, 'turnbuild.yaml'), `publish: { to: [apt], repo: repo }\n${settings}`);
    return {
      ...own,
      due: (versions: string[], ...args: string[]) => dueWith(versions, args, { cwd: own.dir }),
    };
  };

  it('stays within its range of versions', async () => {
    const own = project('coturn: "~4.18.0"\n');
    expect(await own.due(['4.19.0', '4.18.0'])).toMatchObject({
      ...PUBLISHED,
      reason: expect.stringMatching(/coturn 4\.19\.0 is newer, but turnbuild\.yaml selects ~4\.18\.0\.$/),
    });
    expect(await own.due(['4.19.0', '4.18.1'])).toMatchObject({ due: true, version: '4.18.1' });
    expect(await own.due(['4.19.0'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('[SOURCE_NOT_FOUND]'),
    });
  });

  it('finds nothing due, with exit code 0, if all that upstream has is quarantined', async () => {
    const own = project('recipes: recipes\n');
    mkdirSync(join(own.dir, 'recipes'));
    const quarantine = `- versions: '>=4.18.1'\n  reason: It leaks memory.\n  instead: 4.18.0\n  reference: https://example.org/1\n`;
    writeFileSync(join(own.dir, 'recipes/quarantine.yaml'), quarantine);
    rmSync(join(own.dir, 'repo'), { recursive: true });
    mkdirSync(join(own.dir, 'repo'));
    const output = join(own.dir, 'output');
    expect(await own.due(['4.19.0', '4.18.1'], '--github-output', output)).toEqual({
      ...{ due: false, version: null, revision: null, next: '' },
      reason:
        'Nothing is due. Nothing is published. coturn 4.19.0 must not be shipped: It leaks memory. coturn 4.18.1 must not be shipped: It leaks memory.',
    });
    expect(readFileSync(output, 'utf8')).toMatch(/^due=false\nversion=\nrevision=\nreason=Nothing is due\./);
  });

  it('rebuilds with the revision that it sets', async () => {
    expect(await project('revision: 4\n').due(UPSTREAM)).toMatchObject({ due: true, revision: 4 });
  });
});

describe('a record', () => {
  const WITHDRAW = ['4.18.0', '--reason', 'Crashes with TLS 1.3'];

  it('names the release that is left after a withdrawal, and due builds the withdrawn one only on request', async () => {
    const { repo, out, run, publish } = published();
    const { url } = await serveRepository(repo);
    expect(await run('withdraw', WITHDRAW)).toMatchObject({ code: 0, stderr: '' });
    expect(recordOf(repo, 'testing')).toBe('4.17.2+turnbuild-1');
    for (const args of [
      ['--repo', repo],
      ['--url', url],
    ]) {
      expect(await due(...args)).toMatchObject({
        ...{ due: false, version: '4.17.2', revision: 1 },
        reason: expect.stringContaining('4.18.0+turnbuild-2 was withdrawn: Crashes with TLS 1.3.'),
        next: expect.stringContaining('request the release coturn-4.18.0-3.'),
      });
      expect(await due('4.18.0', ...args)).toMatchObject({ due: true, revision: 3 });
      expect(await due('4.18.0-2', ...args)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('[RELEASE_WITHDRAWN]'),
      });
    }
    packagedRelease(out, { version: '4.18.0', revision: 3 });
    expect(await publish(['4.18.0'])).toMatchObject({ code: 0 });
    expect(await due('--repo', repo)).toMatchObject({ due: false, version: '4.18.0', revision: 3 });
  });

  it('stays if nothing is left, and gives way to any release', async () => {
    const { repo, out, run, publish } = published();
    for (const release of ['4.17.2', ...WITHDRAW.slice(0, 1)])
      expect(await run('withdraw', [release, '--reason', 'Crashes'])).toMatchObject({ code: 0 });
    expect(recordOf(repo, 'testing')).toBe('4.18.0+turnbuild-2');
    expect(await due('--repo', repo)).toMatchObject({
      ...{ due: false, version: null, revision: null },
      reason: 'Nothing is due. No release is offered. 4.18.0+turnbuild-2 was withdrawn: Crashes.',
      next: expect.stringContaining('coturn-4.18.0-3'),
    });
    packagedRelease(out, { version: '4.17.2', revision: 2 });
    expect(await publish(['4.17.2'])).toMatchObject({ code: 0 });
    expect(recordOf(repo, 'testing')).toBe('4.17.2+turnbuild-2');
  });

  it('follows a promotion and a rollback', async () => {
    const { repo, run } = published();
    expect(recordOf(repo, 'stable')).toBe('4.17.2+turnbuild-1');
    expect(await run('promote', ['4.18.0'])).toMatchObject({ code: 0, stderr: '' });
    expect(recordOf(repo, 'stable')).toBe('4.18.0+turnbuild-2');
    expect(await run('promote', ['4.17.2'])).toMatchObject({ code: 0, stderr: '' });
    expect(recordOf(repo, 'stable')).toBe('4.17.2+turnbuild-1');
    expect(await due('--repo', repo, '--channel', 'stable')).toMatchObject({
      ...{ due: false, version: '4.17.2' },
      reason: expect.stringContaining(
        '4.18.0+turnbuild-2 is published, but is not the newest release of stable.',
      ),
    });
  });

  it('of stable counts for testing', async () => {
    const { repo, out, publish } = published();
    packagedRelease(out, { version: '4.19.0' });
    expect(await publish(['4.19.0', '--channel', 'stable'])).toMatchObject({ code: 0 });
    expect(await dueWith(['4.19.0'], ['--repo', repo])).toMatchObject({ due: false, version: '4.19.0' });
  });

  it('of a release that an early turnbuild published is kept, or a note says that it is unknown', async () => {
    const { repo, run } = published();
    for (const name of ['4.17.2+turnbuild-1', '4.18.0+turnbuild-2'])
      rmSync(join(repo, `releases/${name}.json`));
    rmSync(join(repo, 'releases/stable.json'));
    const { code, stdout } = await run('withdraw', WITHDRAW);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('does not say how 4.17.2+turnbuild-1 was built'),
    });
    expect(recordOf(repo, 'testing')).toBe('4.18.0+turnbuild-2');
    expect(await due('--repo', repo)).toMatchObject({ due: false, version: null });
  });

  it.each([
    ['withdraw', WITHDRAW, [3, 5]],
    ['promote', ['4.18.0'], [3]],
  ])('is complete after %s was killed and repeated', async (verb, words, before) => {
    const preload = fileURLToPath(new URL('../support/kill-at.mjs', import.meta.url));
    const env = (at: number) => ({ NODE_OPTIONS: `--import ${preload}`, KILL_AT: String(at) });
    const undisturbed = published();
    const { stderr } = await undisturbed.run(verb, words, env(0));
    const count = Number(/synchronised (\d+) times/.exec(stderr)?.[1]);
    const wanted = contentOf(undisturbed.repo);
    // The records are written last, each between two lines of the journal, and then its end.
    for (const at of before.map((each) => count - each)) {
      const { repo, run } = published();
      expect((await run(verb, words, env(at))).code, `killed at ${at}`).not.toBe(0);
      expect(await run(verb, words), `finished after ${at}`).toMatchObject({ code: 0 });
      expect(contentOf(repo), `after ${at}`).toEqual(wanted);
    }
  });

  it('of a newer release stays when an older one is published, but a damaged one is replaced', async () => {
    const { repo, out, publish } = published();
    const file = join(repo, 'releases/testing.json');
    const record = readFileSync(file);
    packagedRelease(out, { version: '4.17.0', revision: 3 });
    const older = await publish(['4.17.0']);
    expect(older.code, older.stderr).toBe(0);
    expect(older.stdout).toContain('Published coturn 4.17.0+turnbuild-3.');
    expect(readFileSync(file)).toEqual(record);
    expect(recordOf(repo, '4.17.0+turnbuild-3')).toBe('4.17.0+turnbuild-3');
    writeFileSync(file, 'damaged');
    expect((await publish(['4.17.0'])).code).toBe(0);
    expect(recordOf(repo, 'testing')).toBe('4.17.0+turnbuild-3');
  });
});

it('the bundled program prints what to do', async () => {
  const { repo, run } = published();
  expect(await run('withdraw', ['4.18.0', '--reason', 'Crashes'])).toMatchObject({ code: 0 });
  const env = { GITHUB_API_URL: await coturnReleases(UPSTREAM), GITHUB_TOKEN: '' };
  const { stdout } = await turnbuild(['due', '--repo', repo], {
    cwd: temporaryFolder(),
    env,
  });
  expect(stdout).toBe(
    'Nothing is due. coturn 4.17.2 (revision 1) is published. 4.18.0+turnbuild-2 was withdrawn: Crashes.\n' +
      'If coturn 4.18.0 is fixed here, e.g. by a patch, set `revision: 3` in turnbuild.yaml, or request the release coturn-4.18.0-3.\n',
  );
});
