import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readAptMirrors, readAptSuites } from '../../src/io/apt-mirror.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const MAIN = 'http://mirror.example/debian';
const SECURITY = 'http://mirror.example/debian-security';

function read(files: Record<string, string>) {
  const root = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return readAptMirrors({ root });
}

describe('readAptMirrors reads sources.list', () => {
  test.each([
    ['without options', `deb ${MAIN} bookworm main\ndeb ${SECURITY} bookworm-security main\n`],
    [
      'with options and tabs',
      `deb [arch=amd64 signed-by=/k.gpg]\t${MAIN}/   trixie main\ndeb [ a=b ] ${SECURITY}/ stable-security main`,
    ],
    [
      'with comments before it',
      `# deb http://old.example/debian bookworm main\n\n  deb ${MAIN} sid main\ndeb-src ${SECURITY} trixie-security main`,
    ],
  ])('%s', async (_, text) => {
    expect(await read({ 'sources.list': text })).toEqual({ debian: MAIN, security: SECURITY });
  });
});

describe('readAptMirrors reads deb822 .sources', () => {
  test.each([
    [
      'with one stanza for each archive',
      `Types: deb\nURIs: ${MAIN}\nSuites: bookworm bookworm-updates\n\nTypes: deb\nURIs: ${SECURITY}/\nSuites: bookworm-security\n`,
    ],
    [
      'with folded fields, comments and other capitalisation',
      `# head\ntypes: deb\nuris:\n ${MAIN}\n# inside\nsuites:\n trixie\n trixie-updates\n\nURIs: ${SECURITY}\nSuites: trixie-security\n`,
    ],
    [
      'with a disabled stanza first',
      `Enabled: no\nURIs: http://off.example/debian\nSuites: bookworm\n\nURIs: ${MAIN}\nSuites: bookworm\n\nURIs: ${SECURITY}\nSuites: bookworm-security`,
    ],
  ])('%s', async (_, text) => {
    expect(await read({ 'sources.list.d/debian.sources': text })).toEqual({
      debian: MAIN,
      security: SECURITY,
    });
  });
});

test.each([
  ['a machine without apt', {}],
  ['only other archives', { 'sources.list': 'deb https://packages.example/apt cloud-sdk-bookworm main\n' }],
  ['only Ubuntu', { 'sources.list.d/u.sources': 'URIs: http://ubuntu.example/ubuntu\nSuites: noble\n' }],
  ['files that apt ignores', { 'sources.list.d/debian.sources.save': `URIs: ${MAIN}\nSuites: bookworm\n` }],
  ['an installation medium', { 'sources.list': 'deb cdrom:[Debian 12]/ bookworm main\n' }],
])('readAptMirrors returns nothing for %s', async (_, files) => {
  expect(await read(files as Record<string, string>)).toEqual({});
});

test('readAptMirrors reads the files in sources.list.d in order of their names', async () => {
  const found = await read({
    'sources.list.d/b.list': 'deb http://b.example/debian bookworm main',
    'sources.list.d/a.list': 'deb http://a.example/debian bookworm main',
  });
  expect(found.debian).toBe('http://a.example/debian');
});

test('readAptSuites returns the suites of enabled binary sources with the component main', async () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'sources.list.d'));
  writeFileSync(
    join(root, 'sources.list'),
    `deb ${MAIN} bookworm main contrib # main\ndeb-src ${MAIN} sid main\ndeb https://packages.example/docker trixie stable\n`,
  );
  writeFileSync(
    join(root, 'sources.list.d/b.sources'),
    `Types: deb deb-src\nURIs: ${MAIN}\nSuites: bookworm-updates\n bookworm-backports\nComponents: main\n\nTypes: deb\nEnabled: no\nURIs: ${MAIN}\nSuites: forky\nComponents: main\n`,
  );
  expect([...(await readAptSuites({ root }))].sort()).toEqual([
    'bookworm',
    'bookworm-backports',
    'bookworm-updates',
  ]);
});
