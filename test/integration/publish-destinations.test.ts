import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { githubPlace, type Start } from '../support/github/place.ts';
import { READ_ONLY } from '../support/github/simulator.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { S3Refusal } from '../support/s3/refusal.ts';
import { s3Simulator } from '../support/s3/simulator.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { turnbuild } from '../support/turnbuild.ts';
import { turnbuildHere } from '../support/turnbuild-here.ts';

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

/** A release, a GitHub, a bucket, and `turnbuild publish --to github,apt`. */
async function place(start: Start = turnbuild) {
  const simulator = await s3Simulator({ pageSize: 1000 });
  const { github, dir, out, publish } = await githubPlace([], start);
  const release = packagedRelease(out);
  const words = ['--to', 'github,apt', '--repo', 's3://packages/coturn', '--sign-with', key];
  const changed = () => ({
    releases: github.repository.releases.length,
    writes: github.requests.filter((each) => /^(?:PATCH|DELETE|POST (?!notes))/.test(each)),
    objects: [...simulator.objects.keys()],
    journal: existsSync(join(release, 'publish.jsonl'))
      ? readFileSync(join(release, 'publish.jsonl'), 'utf8')
      : '',
  });
  return {
    github,
    simulator,
    dir,
    changed,
    publish: (env: Record<string, string> = {}, more: readonly string[] = []) =>
      publish([...words, ...more], { GNUPGHOME: keys.home, ...simulator.env, ...env }),
  };
}

const NOTHING = { releases: 0, writes: [], objects: [], journal: '' };

describe('a publication to GitHub and to a bucket', () => {
  it.each<[string, Record<string, string>, readonly string[], string]>([
    ['a GitHub token that may only read', { GITHUB_TOKEN: READ_ONLY }, [], 'GITHUB_FORBIDDEN'],
    ['an unknown GitHub token', { GITHUB_TOKEN: 'other' }, [], 'GITHUB_TOKEN_INVALID'],
    ['no GitHub token', { GITHUB_TOKEN: '' }, [], 'GITHUB_TOKEN_MISSING'],
    ['no such repository', {}, ['--github-repo', 'example/other'], 'GITHUB_REPOSITORY_UNKNOWN'],
    ['a wrong AWS key', { AWS_SECRET_ACCESS_KEY: 'wrong' }, [], 'CREDENTIALS_REFUSED'],
    ['no such bucket', {}, ['--repo', 's3://other-packages'], 'STORE_NOT_FOUND'],
    ['no such key', {}, ['--sign-with', '0'.repeat(40)], 'SIGNING_KEY_MISSING'],
  ])('with %s changes neither', async (_, env, more, code) => {
    const { changed, publish } = await place();
    const { stderr } = await publish(env, more);
    expect(stderr).toMatch(new RegExp(`^turnbuild: [^\\n]+\\n {2}[^\\n]+\\n {2}\\[${code}\\]\\n$`));
    expect(changed()).toEqual(NOTHING);
  });

  it.each([
    ['STORE_ACCESS_DENIED', 403, 'AccessDenied'],
    ['STORE_FULL', 403, 'QuotaExceeded'],
    ['STORE_FULL', 507, 'XMinioStorageFull'],
  ])('with a bucket that stores nothing (%s, %i %s) changes neither', async (code, status, name) => {
    const { simulator, changed, publish } = await place();
    const kind = new S3Refusal(status, name, 'No.');
    simulator.faults.set({ on: /^PutObject/, kind, times: Number.POSITIVE_INFINITY });
    expect((await publish()).stderr).toMatch(new RegExp(`\\[${code}\\]\\n$`));
    expect(changed()).toEqual(NOTHING);
  });

  it('is finished when the token may write, although GitHub fails to say so', async () => {
    const { github, changed, publish } = await place();
    await publish({ GITHUB_TOKEN: READ_ONLY });
    github.fail({ on: 'POST notes', nth: 1, how: { status: 500 } });
    expect(await publish()).toMatchObject({ code: 0, stderr: '' });
    expect(github.requests.filter((each) => each === 'POST notes')).toHaveLength(2);
    expect(github.repository.releases).toMatchObject([{ draft: false }]);
    expect(changed().objects).toContain('coturn/apt/dists/trixie-testing/InRelease');
  });

  it('is refused if the repository is a file', async () => {
    const { dir, changed, publish } = await place();
    writeFileSync(join(dir, 'file'), '');
    const { stderr } = await publish({}, ['--repo', join(dir, 'file')]);
    expect(stderr).toMatch(/^turnbuild: .*\/file.*\n {2}.+\n {2}\[FOLDER_UNWRITABLE\]\n$/);
    expect(changed()).toEqual(NOTHING);
  });
});

describe('an option with a password', () => {
  it.each([
    ['--repo', 'https://user:s3cretPassw0rd@packages.example.org/coturn'],
    ['--repo', 's3://KEY:s3cretPassw0rd@packages/coturn'],
    ['--repo', 'gs://user:s3cretPassw0rd@packages'],
    ['--repo', 's3://packages/coturn?X-Amz-Signature=s3cretPassw0rd'],
    ['--repo', 's3://packages/a b?token=s3cretPassw0rd'],
    ['--github-repo', 'https://x-access-token:s3cretPassw0rd@github.com/example/coturn-packages'],
    ['--url', 'https://user:s3cretPassw0rd@packages.example.org'],
  ])('is refused, and not printed: %s %s', async (option, value) => {
    const { publish } = await place(turnbuildHere);
    const { code, stdout, stderr } = await publish({}, [option, value, '--json']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('[OPTION_INVALID]') });
    expect(stdout + stderr).not.toContain('s3cretPassw0rd');
  });
});
