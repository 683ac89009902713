import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sha256Bytes, sha256Text } from '../../src/io/files.ts';
import { githubReleases } from '../../src/io/github/releases.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import { fastTimers } from '../support/github/fast-timers.mjs';
import { surviveFaults } from '../support/github/faults.ts';
import { manifestDigest, publishingHere } from '../support/github/here.ts';
import { killAndFinish } from '../support/github/killed.ts';
import { githubPlace } from '../support/github/place.ts';
import { NAME, OWNER, READ_ONLY, TOKEN } from '../support/github/simulator.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { NAME as STEM } from '../support/sigstore/attested.ts';
import { REPOSITORY, startSigstore } from '../support/sigstore/services.ts';
import { interruptOnLine } from '../support/turnbuild.ts';
import { turnbuildHere } from '../support/turnbuild-here.ts';

const TAG = '4.18.0+turnbuild-1';
const DEB = 'coturn_4.18.0+turnbuild-1.deb13_amd64.deb';
const RPM = 'coturn-4.18.0+turnbuild-1.x86_64.rpm';
const TARBALL = 'coturn-4.18.0-linux-x86_64.tar.gz';
const STATEMENTS = [`${STEM}.provenance.json`, `${STEM}.tests.json`];
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** What `publish` asks for after it has read everything: nothing may follow the publication. */
const WRITES = /^(?:POST|PATCH|DELETE)/;

afterAll(fastTimers());

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

describe('turnbuild publish --to github', () => {
  it('publishes a pre-release as the last act, and sends nothing when it is repeated', async () => {
    const { github, out, publish } = await githubPlace();
    const release = packagedRelease(out);
    writeFileSync(join(release, 'junit.xml'), '<testsuites/>');
    const { code, stdout, stderr } = await publish();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^github: channel testing of http:.*\/example\/coturn-packages$/m);
    expect(stdout).toContain('note: Nothing is signed on GitHub.');
    const [published] = github.repository.releases;
    expect(published).toMatchObject({ tag: TAG, name: `coturn ${TAG}`, draft: false, prerelease: true });
    const assets = new Map(published?.assets.map((each) => [each.name, each]));
    expect([...assets.keys()].sort()).toEqual([
      'SHA256SUMS',
      ...STATEMENTS,
      'coturn-dbgsym_4.18.0+turnbuild-1.deb13_amd64.deb',
      DEB,
      'junit.xml',
      'manifest.json',
    ]);
    const own = 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb';
    expect(assets.get(DEB)?.label).toBe(own);
    expect(assets.get(DEB)?.content).toEqual(readFileSync(join(release, own)));
    // The sums are those of the files as GitHub names them.
    const downloads = temporaryFolder();
    for (const { name, content } of assets.values()) writeFileSync(join(downloads, name), content);
    const checked = execFileSync('sha256sum', ['--check', 'SHA256SUMS'], {
      cwd: downloads,
      encoding: 'utf8',
    });
    expect(checked.trim().split('\n')).toHaveLength(assets.size - 1);
    expect(github.requests.filter((each) => WRITES.test(each)).at(-1)).toBe('PATCH release');
    expect(github.requests.at(-1)).toBe('PATCH release');
    const marker = /"manifest":"([0-9a-f]{64})"/.exec(published?.body ?? '')?.[1];
    expect(readFileSync(join(release, 'publish.jsonl'), 'utf8')).toContain(
      JSON.stringify({ do: 'create', path: `releases/${TAG}`, marker }),
    );
    const [before, bytes] = [github.repository.summary(), github.uploads.bytes];
    github.requests.length = 0;
    expect(await publish()).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to change.') });
    expect(github.requests.filter((each) => WRITES.test(each))).toEqual([]);
    expect(github.uploads.bytes).toBe(bytes);
    expect(github.repository.summary()).toEqual(before);
  });

  it('changes nothing with --dry-run, and performs its plan', async () => {
    const { github, dir, out, publish } = await githubPlace([], turnbuildHere);
    packagedRelease(out);
    const before = readdirSync(dir, { recursive: true });
    const { stdout } = await publish(['--dry-run', '--json']);
    expect(github.repository.releases).toEqual([]);
    expect(readdirSync(dir, { recursive: true })).toEqual(before);
    const file = join(dir, 'plan.json');
    writeFileSync(file, stdout);
    expect(await publish(['--plan', file])).toMatchObject({ code: 0 });
    // Once more: it is done.
    expect(await publish(['--plan', file])).toMatchObject({ code: 0 });
    expect(github.repository.releases).toMatchObject([{ tag: TAG, draft: false }]);
    packagedRelease(out, { content: 'other' });
    const { stderr } = await publish(['--plan', file]);
    expect(stderr).toMatch(/\[PUBLISH(?:ED_DIFFERS|_PLAN_STALE)\]/);
  });

  it('signs the sums and .rpm packages', async () => {
    const { github, out, publish } = await githubPlace(['--sign-with', key]);
    const release = packagedRelease(out, { targets: { 'debian-13': 'deb13', portable: 'rpm' } });
    const first = await publish([], { GNUPGHOME: keys.home });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    const [published] = github.repository.releases;
    const contentOf = (name: string) =>
      published?.assets.find((each) => each.name === name)?.content ?? Buffer.of();
    const downloads = temporaryFolder();
    for (const name of ['SHA256SUMS', 'SHA256SUMS.asc'])
      writeFileSync(join(downloads, name), contentOf(name));
    keys.gpg(['--verify', join(downloads, 'SHA256SUMS.asc'), join(downloads, 'SHA256SUMS')]);
    const rpm = published?.assets.find(({ name }) => /^coturn-\d.*x86_64\.rpm$/.test(name));
    expect(rpm?.content).toEqual(readFileSync(join(release, 'signed', rpm?.name ?? '')));
    expect(rpm?.content).not.toEqual(readFileSync(join(release, rpm?.name ?? '')));
    const again = await publish([], { GNUPGHOME: keys.home });
    expect(again.stdout).toContain('Nothing to change.');
  });

  it('publishes every kind of file, and all of them name the signed packages', async () => {
    const { github, dir, out, publish } = await githubPlace(['--sign-with', key], turnbuildHere);
    const targets = { 'debian-13': 'deb13', portable: 'rpm' };
    const release = packagedRelease(out, { targets, complete: true });
    const env = { GNUPGHOME: keys.home };
    const before = manifestDigest(release);
    expect(await publish([], env)).toMatchObject({ code: 0, stderr: '' });
    const assets = new Map(github.repository.releases[0]?.assets.map(({ name, content }) => [name, content]));
    const stems = [STEM, 'coturn-4.18.0-1-portable-x86_64'];
    const packages = [DEB, RPM, TARBALL];
    expect([...assets.keys()].sort()).toEqual(
      [
        ...packages,
        ...packages.map((name) => `${name}.cdx.json`),
        'coturn-4.18.0+turnbuild-1.src.rpm',
        'coturn-dbgsym_4.18.0+turnbuild-1.deb13_amd64.deb',
        'coturn-debuginfo-4.18.0+turnbuild-1.x86_64.rpm',
        ...stems.flatMap((stem) => [`${stem}.provenance.json`, `${stem}.tests.json`]),
        ...['SHA256SUMS', 'SHA256SUMS.asc', 'key.asc', 'manifest.json', 'report.html'],
      ].sort(),
    );
    const digest = (name: string) => sha256Bytes(assets.get(name) ?? '');
    const json = (name: string) => JSON.parse(assets.get(name)?.toString() ?? '');
    for (const name of packages) {
      const { metadata, version } = json(`${name}.cdx.json`);
      expect(metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: digest(name) }]);
      expect(version).toBe(2);
    }
    const sums = assets.get('SHA256SUMS')?.toString() ?? '';
    for (const name of [...packages, `${RPM}.cdx.json`, 'manifest.json', 'report.html'])
      expect(sums).toContain(`${digest(name)}  ${name}\n`);
    const { subject } = json('coturn-4.18.0-1-portable-x86_64.provenance.json');
    for (const name of [RPM, `${RPM}.cdx.json`])
      expect(subject).toContainEqual(expect.objectContaining({ name, digest: { sha256: digest(name) } }));
    // Both digests, there and here. The release is still the same.
    for (const text of [assets.get('manifest.json'), readFileSync(join(release, 'manifest.json'))]) {
      const { steps } = parseManifest('manifest.json', text?.toString() ?? '', sha256Text);
      const outputs = steps.flatMap((step) => step.outputs);
      const rpms = outputs.filter(({ path }) => path.endsWith('.rpm'));
      expect(rpms).toHaveLength(3);
      for (const { path, sha256, published } of rpms) {
        expect(sha256).toBe(sha256Bytes(readFileSync(join(release, path))));
        expect(published).toEqual({ size: assets.get(path)?.length, sha256: digest(path) });
        expect(published?.sha256).not.toBe(sha256);
      }
      expect(outputs.find(({ path }) => path.endsWith('.deb'))?.published).toBe(undefined);
    }
    expect(manifestDigest(release)).toBe(before);
    const plan = await publish(['--dry-run', '--json'], env);
    expect(JSON.parse(plan.stdout)).toMatchObject({ manifest: before });
    expect((await publish([], env)).stdout).toContain('Nothing to change.');
    // What users download is proved by the statements that attest makes of the same release.
    const folder = temporaryFolder();
    for (const [name, content] of assets) writeFileSync(join(folder, name), content);
    for (const name of packages.flatMap((each) => [each, `${each}.cdx.json`])) {
      const args = ['verify-artifact', join(folder, name), '--signed-by', key];
      expect(await turnbuildHere(args, { cwd: dir })).toMatchObject({ code: 0 });
    }
  });

  it('makes the same statements as attest', async () => {
    const { github, dir, out, publish } = await githubPlace(['--sign-with', key], turnbuildHere);
    const release = packagedRelease(out, { targets: { portable: 'rpm' }, complete: true });
    const env = { GNUPGHOME: keys.home };
    const attest = ['attest', '--sign-with', key, '--out', out];
    expect(await turnbuildHere(attest, { cwd: dir, env })).toMatchObject({ code: 0, stderr: '' });
    const manifest = readFileSync(join(release, 'manifest.json'));
    expect(manifest.toString()).toContain('"published"');
    expect(await publish([], env)).toMatchObject({ code: 0, stderr: '' });
    const assets = github.repository.releases[0]?.assets ?? [];
    const contentOf = (name: string) => assets.find((each) => each.name === name)?.content;
    const stem = 'coturn-4.18.0-1-portable-x86_64';
    for (const name of [`${stem}.provenance.json`, `${stem}.tests.json`])
      expect(contentOf(name)).toEqual(readFileSync(join(release, 'trust', name)));
    for (const name of [RPM, TARBALL].map((each) => `${each}.cdx.json`))
      expect(contentOf(name)).toEqual(readFileSync(join(release, 'sbom', name)));
    expect(contentOf('manifest.json')).toEqual(manifest);
  });

  it('publishes statements and their keyless signatures, with which a download can be verified', async () => {
    const services = await startSigstore();
    onTestFinished(() => services.close());
    const { github, dir, out, publish } = await githubPlace(['--sign-with', key], turnbuildHere);
    const release = packagedRelease(out);
    const env = { GNUPGHOME: keys.home, ...services.environment() };
    const attest = ['attest', '--sigstore', '--out', out];
    expect(await turnbuildHere(attest, { cwd: dir, env })).toMatchObject({ code: 0, stderr: '' });
    expect(await publish([], env)).toMatchObject({ code: 0, stderr: '' });
    const assets = github.repository.releases[0]?.assets ?? [];
    const downloads = temporaryFolder();
    for (const { name, content } of assets) writeFileSync(join(downloads, name), content);
    const trusted = STATEMENTS.flatMap((name) => [name, name.replace(/json$/, 'sigstore.json')]);
    expect(assets.map(({ name }) => name)).toEqual(
      expect.arrayContaining([...trusted, 'SHA256SUMS.asc', 'key.asc']),
    );
    const sums = readFileSync(join(downloads, 'SHA256SUMS'), 'utf8');
    for (const name of trusted) expect(sums).toMatch(new RegExp(`^[0-9a-f]{64}  ${name}$`, 'm'));
    expect(() => execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: downloads })).not.toThrow();
    for (const name of trusted.filter((each) => each.endsWith('.sigstore.json')))
      expect(readFileSync(join(downloads, name))).toEqual(readFileSync(join(release, 'trust', name)));
    writeFileSync(join(dir, 'root.json'), services.trustedRoot);
    for (const who of [
      ['--repository', REPOSITORY, '--trusted-root', 'root.json'],
      ['--signed-by', key],
    ]) {
      const { code, stdout } = await turnbuildHere(['verify-artifact', join(downloads, DEB), ...who], {
        cwd: dir,
      });
      expect(code).toBe(0);
      expect(stdout).toContain('1 passed');
      expect(stdout).toContain('coturn 4.18.0, revision 1, for debian-13 x86_64');
    }
    expect((await publish([], env)).stdout).toContain('Nothing to change.');
  });

  it('leaves out a bundle that is not a signature of the statement', async () => {
    const services = await startSigstore();
    onTestFinished(() => services.close());
    const { github, dir, out, publish } = await githubPlace([], turnbuildHere);
    const release = packagedRelease(out);
    const attest = ['attest', '--sigstore', '--out', out];
    await turnbuildHere(attest, { cwd: dir, env: services.environment() });
    // To the public deployment, this one is unknown.
    const { code, stdout } = await publish();
    expect(code).toBe(0);
    for (const name of STATEMENTS)
      expect(stdout).toContain(`trust/${name.replace(/json$/, 'sigstore.json')} is left out`);
    expect(github.repository.releases[0]?.assets.map(({ name }) => name)).toEqual(
      expect.not.arrayContaining([expect.stringContaining('sigstore')]),
    );
    const bundles = () => readdirSync(join(release, 'trust')).filter((name) => name.includes('sigstore'));
    expect(bundles()).toHaveLength(2);
    const signing = ['attest', '--sign-with', key, '--out', out];
    const attested = await turnbuildHere(signing, { cwd: dir, env: { GNUPGHOME: keys.home } });
    expect(attested.stdout.match(/^note: trust\/.*sigstore\.json is removed/gm)).toHaveLength(2);
    expect(bundles()).toEqual([]);
  });

  it('publishes to GitHub although another destination fails, and then finishes that one', async () => {
    const { github, dir, out, publish } = await githubPlace();
    packagedRelease(out);
    const repo = join(dir, 'repo');
    const args = ['--to', 'apt,github', '--repo', repo, '--sign-with', key];
    const env = { GNUPGHOME: keys.home };
    // A file where apt's repository needs a folder.
    execFileSync('mkdir', ['-p', join(repo, 'apt')]);
    writeFileSync(join(repo, 'apt/pool'), '');
    expect((await publish(args, env)).code).toBe(1);
    expect(github.repository.releases).toMatchObject([{ tag: TAG, draft: false }]);
    execFileSync('rm', [join(repo, 'apt/pool')]);
    const bytes = github.uploads.bytes;
    expect(await publish(args, env)).toMatchObject({ code: 0 });
    expect(github.uploads.bytes).toBe(bytes);
    expect(readdirSync(join(repo, 'apt'))).toContain('pool');
  });

  it('finishes a run that was killed', async () => {
    await killAndFinish((points) => [points.at(-3) ?? 0]);
  });

  it('ends as an undisturbed run if a request fails', async () => {
    // test/full/publish-github.test.ts has all.
    const again = await surviveFaults([
      { on: 'GET release', how: 'reset in response' },
      { on: 'POST release', how: 'twice' },
      { on: 'POST release', how: { status: 409, message: 'Conflict' } },
      { on: 'POST upload', nth: 2, how: 'reset halfway' },
      { on: 'PATCH release', how: 'silence after' },
      { on: 'GET file', how: { status: 403, message: 'Signature not valid' } },
    ]);
    expect(again).toEqual([]);
  });

  it.each([
    ['in a workflow of the repository', 'Example/Coturn-Packages', COMMIT],
    ['in a workflow of another repository', 'example/other', 'main'],
    ['elsewhere', '', 'main'],
  ])('creates the tag at the right commit %s', async (_, GITHUB_REPOSITORY, target) => {
    const { github, out, publish } = await githubPlace([], turnbuildHere);
    packagedRelease(out);
    expect(await publish([], { GITHUB_REPOSITORY, GITHUB_SHA: COMMIT })).toMatchObject({ code: 0 });
    expect(github.repository.releases).toMatchObject([{ tag: TAG, draft: false, target }]);
  });

  it('stops at once when it is interrupted while it waits for a limit', async () => {
    const { github, out, publish } = await githubPlace();
    packagedRelease(out);
    const headers = { 'retry-after': '800' };
    const how = { status: 403, message: 'You have exceeded a secondary rate limit.', headers };
    github.fail({ on: 'POST upload', how });
    let start = 0;
    const { code, stderr } = await publish([], {}, (child) =>
      interruptOnLine(child, 'limit is reached', 50, () => {
        start = Date.now();
      }),
    );
    expect({ code, stderr }).toMatchObject({ code: 130, stderr: expect.stringContaining('[INTERRUPTED]') });
    // The wait takes 8 seconds here.
    expect(start).not.toBe(0);
    expect(Date.now() - start).toBeLessThan(6_000);
    expect(await publish()).toMatchObject({ code: 0 });
  });

  it.each<[string, Record<string, string>, readonly string[], string, number]>([
    ['without a token', { GITHUB_TOKEN: '' }, [], 'GITHUB_TOKEN_MISSING', 2],
    ['with a malformed token', { GITHUB_TOKEN: '', GH_TOKEN: 'a b' }, [], 'GITHUB_TOKEN_MALFORMED', 2],
    ['without a repository', {}, ['--github-repo', ' '], 'ARGUMENT_MISSING', 2],
    ['with a malformed repository', {}, ['--github-repo', 'https://example.org/a/b'], 'OPTION_INVALID', 2],
    [
      'with a token that is not encrypted',
      { GITHUB_API_URL: 'http://api.example.org' },
      [],
      'GITHUB_INSECURE',
      2,
    ],
  ])('refuses to publish %s', async (_, env, args, code, exit) => {
    const { github, out, publish } = await githubPlace([], turnbuildHere);
    packagedRelease(out);
    const result = await publish(args, env);
    expect(result).toMatchObject({ code: exit, stderr: expect.stringContaining(`[${code}]`) });
    expect(github.requests).toEqual([]);
  });
});

describe('turnbuild promote and withdraw --to github', () => {
  it('move releases between the channels without sending bytes', async () => {
    const { github, out, publish, run } = await githubPlace([], turnbuildHere);
    for (const version of ['4.18.0', '4.19.0']) {
      packagedRelease(out, { version });
      await publish([version]);
    }
    const bytes = github.uploads.bytes;
    const state = () => {
      const { latest, releases } = github.repository.summary();
      return [
        latest,
        ...releases.map(({ tag, prerelease }) => `${tag} ${prerelease ? 'testing' : 'stable'}`),
      ];
    };
    const [OLD, NEW] = [TAG, '4.19.0+turnbuild-1'];
    expect(await run('promote', ['4.19.0'])).toMatchObject({ code: 0, stderr: '' });
    expect(state()).toEqual([NEW, `${OLD} testing`, `${NEW} stable`]);
    // A rollback.
    expect(await run('promote', ['4.18.0'])).toMatchObject({ code: 0, stderr: '' });
    expect(state()).toEqual([OLD, `${OLD} stable`, `${NEW} testing`]);
    await run('promote', ['4.19.0']);
    const { stdout } = await run('withdraw', ['4.19.0', '--reason', 'crashes on start']);
    expect(stdout).toContain(`Withdrew coturn ${NEW}.`);
    expect(state()).toEqual([OLD, `${OLD} stable`, `${NEW} testing`]);
    const body = github.repository.releases[1]?.body ?? '';
    expect(body.split('\n').slice(0, 3).join('\n')).toContain(
      `**coturn ${NEW} was withdrawn:** crashes on start`,
    );
    expect(body).toContain('### Install');
    expect(github.uploads.bytes).toBe(bytes);
    expect((await run('promote', ['4.19.0'])).stderr).toContain('[RELEASE_WITHDRAWN]');
    expect((await run('promote', ['4.20.0'])).stderr).toContain('[RELEASE_UNKNOWN]');
  });
});

describe('GitHub', () => {
  it.each<[string, Parameters<typeof publishingHere>[0], string]>([
    ['a token that may only read', { token: READ_ONLY }, 'GITHUB_FORBIDDEN'],
    ['a token that it does not know', { token: 'other' }, 'GITHUB_TOKEN_INVALID'],
    ['a repository that it does not have', { name: 'other' }, 'GITHUB_REPOSITORY_UNKNOWN'],
  ])('refuses %s, and nothing has changed', async (_, place, code) => {
    const { github, publish } = await publishingHere(place);
    const error = await publish().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/contents: write|Renew/) });
    expect(github.repository.releases).toEqual([]);
  });

  it.each([
    ['POST release', 'create a draft of'],
    ['PATCH release', 'change the release'],
  ])('may refuse a commit whose workflows have changed since: %s', async (on, what) => {
    const { github, publish } = await publishingHere({ commit: COMMIT });
    github.fail({ on, how: { status: 403, message: 'Resource not accessible by integration' } });
    const error = await publish().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'GITHUB_FORBIDDEN',
      message: expect.stringContaining(what),
      hint: expect.stringMatching(/contents: write.*0123456789ab.* workflow/s),
    });
    await publish();
    expect(github.repository.releases).toMatchObject([{ target: COMMIT, draft: false }]);
  });

  it('is asked for a file again that has not the digest it says', async () => {
    const { github, publish } = await publishingHere();
    await publish();
    const client = await githubReleases({
      ...{ owner: OWNER, name: NAME, api: github.url, token: TOKEN },
      ...{ signal: new AbortController().signal, tell: () => {} },
    });
    const [published] = await client.list();
    const asset = (await client.get(published?.id ?? 0)).assets.find(({ name }) => name === DEB);
    if (asset === undefined) throw new Error('The package is not there');
    const content = github.repository.asset(asset.id).asset.content;
    const count = github.fail({ on: 'GET file', how: 'damage', times: 5 });
    await expect(client.download(asset, 2 ** 20)).rejects.toMatchObject({ code: 'GITHUB_ASSET_DAMAGED' });
    expect(count()).toBe(4);
    expect(await client.download(asset, 2 ** 20)).toEqual(content);
    expect(count()).toBe(5);
  });

  it('refuses an archived repository before anything changes', async () => {
    const { github, publish } = await publishingHere();
    github.repository.settings.archived = true;
    await expect(publish()).rejects.toMatchObject({
      code: 'GITHUB_FORBIDDEN',
      message: expect.stringContaining('archived'),
    });
    expect(github.requests.filter((each) => WRITES.test(each))).toEqual([]);
  });

  it('is waited for when it limits requests, but not forever', async () => {
    const { github, publish, lines } = await publishingHere();
    const how = {
      status: 403,
      message: 'You have exceeded a secondary rate limit.',
      headers: { 'retry-after': '60' },
    };
    github.fail({ on: 'POST upload', how, times: 100 });
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_RATE_LIMITED' });
    expect(lines[0]).toBe("GitHub's secondary rate limit is reached. Waiting 60 seconds.");
    expect(new Set(lines).size).toBe(1);
    expect(github.repository.releases).toMatchObject([{ draft: true }]);
  });

  it('gets one release although it has lost the response and does not list the draft yet', async () => {
    const { github, publish } = await publishingHere();
    github.repository.settings.lag = 1;
    github.fail({ on: 'POST release', how: 'reset after' });
    await publish();
    await publish();
    expect(github.repository.releases).toMatchObject([{ tag: TAG, draft: false }]);
  });

  it('gets a file again that arrived damaged, but not forever', async () => {
    const { github, publish } = await publishingHere();
    const count = github.fail({ on: 'POST upload', how: 'damage', times: 5 });
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_ASSET_DAMAGED' });
    expect(count()).toBe(4);
    expect(github.repository.releases).toMatchObject([{ draft: true, assets: [] }]);
    await publish();
    expect(count()).toBe(5);
    expect(github.repository.releases).toMatchObject([{ draft: false }]);
  });

  it('is compared by downloads if it says no digests', async () => {
    const { github, publish } = await publishingHere();
    github.repository.settings.digests = false;
    github.fail({ on: 'POST upload', how: 'damage' });
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_ASSET_DAMAGED' });
    expect(github.repository.releases).toMatchObject([{ draft: true }]);
    await publish();
    expect(github.requests).toContain('GET asset');
    const asset = github.repository.releases[0]?.assets.find(({ name }) => name === DEB);
    expect(asset).toBeDefined();
    if (asset !== undefined) asset.content = Buffer.from(asset.content.map((byte) => byte ^ 1));
    await expect(publish()).rejects.toMatchObject({ code: 'PUBLISHED_DIFFERS' });
  });

  it.each([
    ['deleted', true],
    ['added', false],
  ])('stays as another run has published it meanwhile: nothing is %s', async (_, hasWrongFile) => {
    let gets = 0;
    let other: (() => Promise<unknown>) | undefined;
    const { github, publish } = await publishingHere({
      wrap: (client) => ({
        ...client,
        async get(id) {
          // Each run plans twice.
          if (++gets === 3 && other !== undefined) await other();
          return client.get(id);
        },
      }),
    });
    github.fail({
      on: hasWrongFile ? 'PATCH release' : 'POST upload',
      nth: 2 - Number(hasWrongFile),
      how: { status: 422 },
    });
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_REFUSED' });
    const [draft] = github.repository.releases;
    const asset = draft?.assets.find(({ name }) => name === DEB);
    if (hasWrongFile && asset !== undefined) asset.content = Buffer.from('wrong');
    gets = 0;
    let published: object | undefined;
    other = async () => {
      other = undefined;
      await publish('4.18.0', 'testing', {}, 'other');
      published = github.repository.summary();
    };
    await expect(publish()).rejects.toMatchObject({ code: 'PUBLISH_PLAN_STALE' });
    expect(published).toMatchObject({ releases: [{ tag: TAG, draft: false }] });
    expect(github.repository.summary()).toEqual(published);
  });

  it('is not taken to have removed what the token may not remove', async () => {
    const { github, publish } = await publishingHere();
    github.fail({ on: 'PATCH release', how: { status: 422 } });
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_REFUSED' });
    const asset = github.repository.releases[0]?.assets.find(({ name }) => name === DEB);
    if (asset !== undefined) asset.content = Buffer.from('wrong');
    github.fail({ on: 'DELETE asset', how: { status: 404, message: 'Not Found' } });
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_FORBIDDEN' });
    await publish();
    github.fail({ on: 'GET release', how: { status: 404, message: 'Not Found' } });
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_REFUSED' });
  });

  it('keeps immutable releases, which can still be promoted and withdrawn', async () => {
    const { github, dir, publish, promote, withdraw } = await publishingHere();
    github.repository.settings.immutable = true;
    await publish();
    await publish();
    await promote(TAG);
    expect(github.repository.summary().latest).toBe(TAG);
    await withdraw(TAG, 'bad');
    expect(github.repository.releases).toMatchObject([{ immutable: true, prerelease: true }]);
    github.repository.remove(github.repository.releases[0]?.id ?? 0);
    await expect(publish()).rejects.toMatchObject({ code: 'GITHUB_TAG_RESERVED' });
    expect(readFileSync(join(dir, 'dist/4.18.0/publish.jsonl'), 'utf8')).not.toContain('s3cret');
  });
});
