import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rowsOnPage } from '../../src/publish/page.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { contentOf, publicationPlace, publishing } from '../support/published.ts';
import { turnbuild } from '../support/turnbuild.ts';

const { keys, key, place } = publishing('apt,dnf');

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };

it('index.html shows what a repository has, after each change', async () => {
  const { dir, out, repo, publish, run } = place();
  const text = () => readFileSync(join(repo, 'index.html'), 'utf8');
  const shown = () =>
    rowsOnPage(text()).map(
      ({ to, channel, name, release }) => `${to} ${name} ${channel} ${release.replace(/\+.*/, '')}`,
    );
  packagedRelease(out, { targets: TARGETS });
  expect(await publish()).toMatchObject({ code: 0 });
  expect(shown()).toEqual(['apt trixie testing 4.18.0', 'dnf portable testing 4.18.0']);
  expect(text()).toContain((key().match(/.{4}/g) ?? []).join(' '));
  // A page that is lost is made again, with all channels, by any change.
  rmSync(join(repo, 'index.html'));
  expect(await publish(['--channel', 'stable'])).toMatchObject({ code: 0 });
  const both = [
    'apt trixie stable 4.18.0',
    'dnf portable stable 4.18.0',
    'apt trixie testing 4.18.0',
    'dnf portable testing 4.18.0',
  ];
  expect(shown()).toEqual(both);
  // Only one kind of repository.
  packagedRelease(out, { version: '4.19.0', targets: TARGETS });
  const apt = publicationPlace('apt', { home: keys().home, key: key() }, dir);
  expect(await apt.publish()).toMatchObject({ code: 0 });
  expect(shown()).toEqual([...both.slice(0, 2), 'apt trixie testing 4.19.0', ...both.slice(2)]);
  expect(await run('withdraw', ['4.18.0', '--reason', 'crashes on <start>'])).toMatchObject({ code: 0 });
  expect(shown()).toEqual(['apt trixie testing 4.19.0']);
  expect(text()).toContain('crashes on &lt;start&gt;');
  const before = contentOf(repo);
  expect((await run('refresh')).stdout.match(/Nothing to change\./g)).toHaveLength(4);
  expect(contentOf(repo)).toEqual(before);
});

it('there is no index.html without --url', async () => {
  const { dir, out, repo } = place();
  packagedRelease(out);
  const args = ['publish', '--to', 'apt', '--repo', repo, '--sign-with', key(), '--out', out];
  expect(await turnbuild(args, { env: { GNUPGHOME: keys().home }, cwd: dir })).toMatchObject({ code: 0 });
  expect(existsSync(join(repo, 'index.html'))).toBe(false);
  expect(existsSync(join(repo, 'key.asc'))).toBe(true);
});
