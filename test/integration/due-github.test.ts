import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fastTimers } from '../support/github/fast-timers.mjs';
import { publishingHere } from '../support/github/here.ts';
import { NAME, OWNER, READ_ONLY, TOKEN } from '../support/github/simulator.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuildHere } from '../support/turnbuild-here.ts';

afterAll(fastTimers());

/** A repository that has only releases on GitHub, where 4.18.0 is the newest coturn, and `turnbuild due` with a token or without. */
async function onGithub() {
  const place = await publishingHere();
  const { github } = place;
  github.upstream.push('4.18.0', '4.17.2');
  const due = async (args: readonly string[] = [], token = '') => {
    const env = { GITHUB_API_URL: github.url, GITHUB_TOKEN: token, GH_TOKEN: '', GITHUB_REPOSITORY: '' };
    const words = ['due', '--to', 'github', '--github-repo', `${OWNER}/${NAME}`, '--json', ...args];
    const run = await turnbuildHere(words, { cwd: temporaryFolder(), env });
    return run.code === 0 ? JSON.parse(run.stdout) : { ...run };
  };
  return { ...place, due };
}

const TAG = '4.18.0+turnbuild-1';
const failsWith = (code: string, message: string) => ({
  stderr: expect.stringMatching(new RegExp(`${message}[\\s\\S]*\\[${code}\\]`)),
});

describe('turnbuild due on GitHub', () => {
  it('compares the newest published release, without a token', async () => {
    const { due, publish, github } = await onGithub();
    expect(await due()).toMatchObject({ due: true, version: '4.18.0', revision: 1 });
    await publish('4.17.2');
    expect(await due()).toMatchObject({
      due: true,
      reason: 'coturn 4.18.0 is newer than the published 4.17.2.',
    });
    await publish('4.18.0');
    for (const token of ['', READ_ONLY, TOKEN])
      expect(await due([], token)).toEqual({
        ...{ due: false, version: '4.18.0', revision: 1, next: '' },
        reason: 'Nothing is due. coturn 4.18.0 (revision 1) is published.',
      });
    expect(await due(['4.18.0'])).toMatchObject({ due: true, revision: 1 });
    github.upstream.unshift('4.19.0');
    expect(await due()).toMatchObject({ due: true, version: '4.19.0' });
  });

  it('does not build a withdrawn release again', async () => {
    const { due, publish, withdraw } = await onGithub();
    await publish('4.17.2');
    await publish('4.18.0');
    await withdraw(TAG, 'Crashes with <TLS>');
    expect(await due()).toMatchObject({
      ...{ due: false, version: '4.17.2', revision: 1 },
      reason: expect.stringContaining(`${TAG} was withdrawn: Crashes with <TLS>.`),
      next: expect.stringContaining('coturn-4.18.0-2'),
    });
    expect(await due(['4.18.0'])).toMatchObject({ due: true, revision: 2 });
    expect(await due(['4.18.0-1'])).toMatchObject(failsWith('RELEASE_WITHDRAWN', 'was withdrawn'));
    await withdraw('4.17.2+turnbuild-1', 'Crashes, too');
    expect(await due()).toMatchObject({ due: false, version: null, revision: null });
  });

  it('compares full releases for stable, and promotes the others', async () => {
    const { due, publish, promote } = await onGithub();
    await publish('4.18.0');
    expect(await due(['--channel', 'stable'])).toMatchObject({
      due: false,
      next: `To move stable to it: turnbuild promote ${TAG} --channel stable --from testing`,
    });
    await promote(TAG);
    expect(await due(['--channel', 'stable'])).toMatchObject({ due: false, version: '4.18.0' });
  });

  it('ignores a draft, and says what to do about it if it can see it', async () => {
    const { due, github } = await onGithub();
    github.repository.create({ tag_name: TAG, draft: true, body: '', name: 'coturn', prerelease: true });
    expect(await due()).toMatchObject({ due: true, version: '4.18.0', next: '' });
    expect(await due([], TOKEN)).toMatchObject({
      due: true,
      next: expect.stringMatching(/^A draft of it exists: http.*delete it/),
    });
  });

  it('needs the manifest of a release to compare its libraries, but not to find a newer version', async () => {
    const { due, github, publish } = await onGithub();
    await publish('4.18.0');
    const [release] = github.repository.releases;
    const asset = release?.assets.find(({ name }) => name === 'manifest.json');
    if (asset === undefined) throw new Error('no manifest.json');
    asset.content = Buffer.from('{}');
    expect(await due()).toMatchObject(failsWith('RECORD_INVALID', 'manifest.json in http'));
    github.repository.removeAsset(asset.id);
    expect(await due()).toMatchObject(failsWith('RECORD_MISSING', 'has no manifest.json'));
    github.upstream.unshift('4.19.0');
    expect(await due()).toMatchObject({ due: true, version: '4.19.0' });
  });

  it('explains a repository that it cannot read', async () => {
    const { due, github } = await onGithub();
    github.repository.settings.isPrivate = true;
    expect(await due()).toMatchObject(
      failsWith('GITHUB_REPOSITORY_UNKNOWN', 'A private repository needs a token that may read'),
    );
    github.repository.settings.isPrivate = false;
    github.fail({
      on: 'GET repository',
      times: 20,
      how: { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' } },
    });
    expect(await due()).toMatchObject(
      failsWith('GITHUB_RATE_LIMITED', 'requests without a token[\\s\\S]*Set GITHUB_TOKEN'),
    );
  });

  it('is chosen by a project that publishes only there', async () => {
    const { github, publish } = await onGithub();
    await publish('4.18.0');
    const dir = temporaryFolder();
    const settings = (to: string) =>
      `publish: { to: [${to}], github: ${OWNER}/${NAME}, url: "http://127.0.0.1:9" }\n`;
    const env = { GITHUB_API_URL: github.url, GITHUB_TOKEN: '', GH_TOKEN: '' };
    writeFileSync(join(dir, 'turnbuild.yaml'), settings('github'));
    expect(await turnbuildHere(['due'], { cwd: dir, env })).toMatchObject({
      code: 0,
      stdout: 'Nothing is due. coturn 4.18.0 (revision 1) is published.\n',
    });
    rmSync(join(dir, 'turnbuild.yaml'));
    expect(await turnbuildHere(['due', '--to', 'github'], { cwd: dir, env })).toMatchObject(
      failsWith('ARGUMENT_MISSING', '--github-repo is missing'),
    );
  });
});
