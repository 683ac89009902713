import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { elfChecks } from '../../../src/checks/elf-checks.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';
import { targetSchema } from '../../../src/recipe/schema.ts';
import { packageFacts } from '../../support/package-facts.ts';

const folder = new URL('../../../recipes/targets/', import.meta.url);

/** What turnserver of Debian's own coturn 4.18.0-1 needs (`readelf -d`), and libmicrohttpd for the metrics. */
const NEEDED_BY_4_18_0 = [
  'libsqlite3.so.0',
  'libpq.so.5',
  'libmariadb.so.3',
  'libhiredis.so.1.1.0',
  'libhiredis_ssl.so.1.1.0',
  'libcrypto.so.3',
  'libssl.so.3',
  'libevent_core-2.1.so.7',
  'libevent_extra-2.1.so.7',
  'libevent_openssl-2.1.so.7',
  'libevent_pthreads-2.1.so.7',
  'libsystemd.so.0',
  'libmicrohttpd.so.12',
  'libc.so.6',
];

describe.each(readdirSync(folder))('recipes/targets/%s', (name) => {
  const target = parseRecipeFile(name, readFileSync(new URL(name, folder), 'utf8'), targetSchema);
  const judge = (libraries: readonly string[]) => {
    const dynamic = libraries.map((library) => ` 0x1 (NEEDED)  Shared library: [${library}]`).join('\n');
    const unread = { header: '', symbols: '', versions: '', segments: '', notes: '' };
    const elf = [{ path: '/usr/bin/turnserver', dynamic, ...unread }];
    const check = elfChecks.find((each) => each.id === 'elf.libraries');
    return check?.judge({ ...packageFacts({}), target, elf });
  };

  // What is linked in is needed by nobody.
  const libraries = target.linkedIn === undefined ? NEEDED_BY_4_18_0 : ['libc.so.6', 'libm.so.6'];

  it('allows the libraries of the newest coturn', () => {
    expect(judge(libraries)).toMatchObject({ ok: true });
  });

  it('allows no other', () => {
    expect(judge([...libraries, 'libgnutls.so.30'])).toMatchObject({
      ok: false,
      message: expect.stringContaining('libgnutls.so.30'),
    });
  });
});

describe('recipes/docker/Dockerfile', () => {
  const text = readFileSync(new URL('../../../recipes/docker/Dockerfile', import.meta.url), 'utf8');

  it('makes the toolchain anew when the archive has got other packages', () => {
    const stage = (name: string) =>
      new RegExp(`^FROM .* AS ${name}\\n((?:(?!^FROM ).*\\n)*)`, 'm').exec(text)?.[1] ?? '';
    // An argument that is declared after the command is no part of what the command is cached by.
    expect(stage('compiler')).toMatch(/^ARG ARCHIVE_STATE\n[\s\S]*^RUN sh \/turnbuild\/compiler\.sh$/m);
    expect(stage('toolchain')).toMatch(/^RUN sh \/turnbuild\/toolchain\.sh$/m);
    expect(text).toMatch(/^FROM compiler AS toolchain$/m);
  });
});
