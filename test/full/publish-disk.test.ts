import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listedFiles } from '../../src/publish/apt/release-file.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, publicationPlace } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { mountObstacle, smallDisk } from '../support/small-disk.ts';

const obstacle = mountObstacle();
if (obstacle !== undefined) console.log(`publish-disk.test.ts is skipped: ${obstacle}`);

let keys: SigningHome;
let key: string;
let secret: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
  secret = keys.gpg(['--pinentry-mode', 'loopback', '--armor', '--export-secret-keys', key]);
});
afterAll(() => keys.remove());

/** One message, which may have lines of a program's output, a hint, and the code. */
const ERROR = (code: string) => new RegExp(`^turnbuild: [\\s\\S]+\\n {2}[^\\n]+\\n {2}\\[${code}\\]\\n$`);
/** Packages with several pages. */
const CONTENT = 'content '.repeat(2000);

/** A place to publish from and to, in which one folder is on a disk of its own. */
function place(full: 'repo' | 'dist' | 'cache' | 'tmp') {
  const dir = temporaryFolder();
  const disk = smallDisk(join(dir, full));
  for (const name of ['repo', 'dist', 'cache', 'tmp'])
    if (name !== full) mkdirSync(join(dir, name), { mode: 0o700 });
  const { out, repo, publish } = publicationPlace('apt,dnf', { home: keys.home, key }, dir);
  const release = packagedRelease(out, {
    content: CONTENT,
    targets: { 'debian-13': 'deb13', portable: 'rpm' },
  });
  const env = {
    TURNBUILD_CACHE: join(dir, 'cache'),
    TMPDIR: join(dir, 'tmp'),
    TURNBUILD_SIGNING_KEY: secret,
  };
  return { disk, dir, repo, release, publish: () => publish([], env) };
}

/** What a failed run must not leave behind: temporary files, or an index that lists what is not there. */
function requireWhole(repo: string): void {
  const names = readdirSync(repo, { recursive: true }).map(String);
  expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  for (const name of names.filter((each) => each.endsWith('/InRelease'))) {
    const listed = listedFiles(readFileSync(join(repo, name), 'utf8'))
      .filter(({ path }) => path.endsWith('.gz'))
      .map(({ sha256 }) => sha256);
    const there = names.map((each) => each.split('/').at(-1) ?? '');
    expect(there).toEqual(expect.arrayContaining(listed));
  }
  for (const name of names.filter((each) => /mirrorlist/.test(each)))
    expect(readFileSync(join(repo, name), 'utf8')).toMatch(/^\S+\n/);
}

async function failsAndFinishes(
  { disk, dir, repo, publish }: ReturnType<typeof place>,
  code: string,
  mayFinish = false,
): Promise<boolean> {
  const { code: exit, stdout, stderr } = await publish();
  const hasFailed = exit !== 0;
  if (hasFailed || !mayFinish)
    expect({ exit, stdout, stderr }).toMatchObject({ exit: 1, stderr: expect.stringMatching(ERROR(code)) });
  requireWhole(repo);
  expect(readdirSync(join(dir, 'tmp')).filter((name) => name.startsWith('turnbuild-'))).toEqual([]);
  disk.mend();
  expect(await publish()).toMatchObject({ code: 0, stderr: '' });
  expect(Object.keys(contentOf(repo))).toEqual(
    expect.arrayContaining([
      'apt/dists/trixie-testing/InRelease',
      expect.stringMatching(/^dnf\/.*mirrorlist/),
      'releases/testing.json',
    ]),
  );
  requireWhole(repo);
  expect((await publish()).stdout).toContain('Nothing to change.');
  return hasFailed;
}

describe.skipIf(obstacle !== undefined).each(['repo', 'dist', 'cache', 'tmp'] as const)(
  'a full disk with %s',
  (full) => {
    /** Pages that were left to runs that failed. */
    const failed: number[] = [];
    it.each([0, 1, 2, 4, 8, 12, 16, 24, 32, 48])(
      'with %i pages left: DISK_FULL, and then finishes',
      async (pages) => {
        const own = place(full);
        own.disk.fill(pages);
        const hasFailed = await failsAndFinishes(own, 'DISK_FULL', pages > 0);
        if (hasFailed) failed.push(pages);
        console.log(`${full}: with ${pages} pages left, the run ${hasFailed ? 'failed' : 'finished'}`);
      },
    );

    // Without any page, a run fails before it has written something.
    if (full === 'repo' || full === 'dist')
      it('fails also with some pages left', () => {
        expect(Math.max(...failed)).toBeGreaterThan(0);
      });

    it.each([0, 1, 3])('with %i inodes left', async (inodes) => {
      const own = place(full);
      own.disk.fillInodes(inodes);
      await failsAndFinishes(own, 'DISK_FULL', inodes > 0);
    });

    it('that is read-only', async () => {
      const own = place(full);
      own.disk.protect();
      await failsAndFinishes(own, 'FOLDER_UNWRITABLE');
    });
  },
);
