import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, publishing, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const { keys, key, place } = publishing('apt');

const DAY = 24 * 60 * 60 * 1000;
const FILE = 'apt/dists/trixie-testing/InRelease';

/** Days from now until an InRelease expires. */
const daysIn = (text: string) =>
  (Date.parse(/^Valid-Until: (.*)$/m.exec(text)?.[1] ?? '') - Date.now()) / DAY;

it('apt refuses a suite after its days are over, until it is signed again', async () => {
  const { out, repo, publish, run } = place();
  packagedRelease(out);
  const text = () => readFileSync(join(repo, FILE), 'utf8');
  expect(await publish(['--valid-for', '10'])).toMatchObject({ code: 0 });
  expect(daysIn(text())).toBeCloseTo(10, 1);
  const server = await serveRepository(repo);
  const update = () =>
    aptClient(temporaryFolder(), server.read('apt/coturn-trixie-testing.sources')).update();
  await update();
  // More than half of the time remains.
  const before = text();
  expect((await run('refresh', ['--valid-for', '10'])).stdout).toContain('Nothing to change.');
  expect(text()).toBe(before);

  const expired = before
    .replace(/^[\s\S]*?\n\n/, '')
    .replace(/\n-----BEGIN[\s\S]*$/, '\n')
    .replace(/^Date:.*$/m, 'Date: Mon, 01 Jun 2026 00:00:00 UTC')
    .replace(/^Valid-Until:.*$/m, 'Valid-Until: Thu, 11 Jun 2026 00:00:00 UTC');
  writeFileSync(
    join(repo, FILE),
    keys().gpg(['--pinentry-mode', 'loopback', '-u', key(), '--clearsign'], expired),
  );
  await expect(update()).rejects.toThrow(/expired/);
  // A publication to another channel says so.
  const { stdout } = await publish(['--channel', 'stable', '--valid-for', '10']);
  expect(stdout).toContain('trixie-testing expired on 2026-06-11.');

  const content = contentOf(repo);
  expect(await run('refresh', ['--valid-for', '10'])).toMatchObject({ code: 0 });
  expect(contentOf(repo)).toEqual(content);
  expect(daysIn(text())).toBeCloseTo(10, 1);
  await update();
  expect(await run('refresh', ['--valid-for', 'long'])).toMatchObject({ code: 2 });
});

it('turnbuild refresh rewrites the files that clients copy for all suites', async () => {
  const { out, repo, publish, run } = place();
  packagedRelease(out);
  const sources = (suite: string) => readFileSync(join(repo, `apt/coturn-${suite}.sources`), 'utf8');
  expect(await publish(['--url', 'https://old.example.org'])).toMatchObject({ code: 0 });
  // Also a publication to another channel refreshes them.
  expect(await publish(['--channel', 'stable', '--url', 'https://new.example.org'])).toMatchObject({
    code: 0,
  });
  for (const suite of ['trixie', 'trixie-testing'])
    expect(sources(suite)).toContain('https://new.example.org/apt');
  expect(await run('refresh')).toMatchObject({ code: 0 });
  for (const suite of ['trixie', 'trixie-testing']) expect(sources(suite)).not.toContain('new.example.org');
});
