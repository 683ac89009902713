import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { elfChecks } from '../../../src/checks/elf-checks.ts';
import { parseTargets } from '../../../src/recipe/targets.ts';
import { packageFacts } from '../../support/package-facts.ts';
import { target as targetOf } from '../../support/plan-facts.ts';

const folder = new URL('../../../recipes/targets/', import.meta.url);

/** Libraries that Debian's own coturn 4.18.0-1 needs (`readelf -d`), and libmicrohttpd for the metrics. */
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

/** Program headers that map the dynamic section (`readelf -lW`), and stubs for tables that elf.libraries does not read. */
const SEGMENTS = `There are 2 program headers, starting at offset 64
  LOAD           0x000000 0x0000000000000000 0x0000000000000000 0x002000 0x002000 RW  0x1000
  DYNAMIC        0x001000 0x0000000000001000 0x0000000000001000 0x000200 0x000200 RW  0x8
`;
const UNREAD = { header: '', symbols: '', versions: '', notes: '' };

describe.each(readdirSync(folder))('recipes/targets/%s', (name) => {
  const target = targetOf(name.replace('.yaml', ''));
  const judge = (libraries: readonly string[]) => {
    const rows = [
      ...libraries.map((library) => ` 0x0000000000000001 (NEEDED)  Shared library: [${library}]`),
      ' 0x0000000000000000 (NULL)  0x0',
    ];
    const dynamic = [`Dynamic section at offset 0x1000 contains ${rows.length} entries:`, ...rows].join('\n');
    const elf = [{ path: '/usr/bin/turnserver', dynamic, segments: SEGMENTS, ...UNREAD }];
    const check = elfChecks.find((each) => each.id === 'elf.libraries');
    return check?.judge({ ...packageFacts({}), target, elf });
  };

  // No program needs a statically linked library at run time.
  const libraries = target.staticLibraries === undefined ? NEEDED_BY_4_18_0 : ['libc.so.6', 'libm.so.6'];

  it('allows the libraries of the newest coturn', () => {
    expect(judge(libraries)).toMatchObject({ ok: true });
  });

  it('refuses any other library', () => {
    expect(judge([...libraries, 'libgnutls.so.30'])).toMatchObject({
      ok: false,
      message: expect.stringContaining('libgnutls.so.30'),
    });
  });
});

describe('recipes/docker/Dockerfile', () => {
  const text = readFileSync(new URL('../../../recipes/docker/Dockerfile', import.meta.url), 'utf8');

  it('rebuilds the toolchain when the archive has changed', () => {
    const stage = (name: string) =>
      new RegExp(`^FROM .* AS ${name}\\n((?:(?!^FROM ).*\\n)*)`, 'm').exec(text)?.[1] ?? '';
    // An argument that is declared after a command is not part of the command's cache key.
    expect(stage('compiler')).toMatch(/^ARG ARCHIVE_STATE\n[\s\S]*^RUN sh \/turnbuild\/compiler\.sh$/m);
    expect(stage('toolchain')).toMatch(/^RUN sh \/turnbuild\/toolchain\.sh$/m);
    expect(text).toMatch(/^FROM compiler AS toolchain$/m);
  });

  it('mounts caches read-only, so that a package cannot affect later verifications', () => {
    const caches = text.match(/--mount=type=cache,\S+/g) ?? [];
    expect(caches.length).toBeGreaterThan(0);
    for (const cache of caches) expect(cache).toMatch(/,sharing=locked,readonly$/);
  });
});

describe('a target that extends another', () => {
  const base = readFileSync(new URL('debian-13.yaml', folder), 'utf8');
  const parse = (...texts: string[]) =>
    parseTargets(texts.map((text) => ({ path: `targets/${/^name: (.*)$/m.exec(text)?.[1]}.yaml`, text })));

  it('inherits every key that it does not set, except images', () => {
    const [, other] = parse(
      `${base}\nbaseImage: debian@sha256:${'0'.repeat(64)}\n`,
      'name: other\nextends: debian-13\nsuite: other\nlabel: other1\nfeatures: [prometheus]\n',
    );
    const { baseImage: _, image: __, ...taken } = targetOf('debian-13');
    expect(other).toEqual({
      ...taken,
      name: 'other',
      suite: 'other',
      label: 'other1',
      features: ['prometheus'],
    });
  });

  it('may extend a target that itself extends another', () => {
    const [, , third] = parse(
      base,
      'name: other\nextends: debian-13\nsuite: other\nlabel: other1\nfeatures: [prometheus]\n',
      'name: third\nextends: other\nsuite: third\nlabel: other2\n',
    );
    expect(third?.features).toEqual(['prometheus']);
    expect(third?.libraries).toEqual(targetOf('debian-13').libraries);
  });

  it.each([
    ['name: a\nextends: b\nsuite: a\nlabel: a1\n', /targets\/a\.yaml:2: extends: unknown target "b"/],
    ['name: a\nextends: a\nsuite: a\nlabel: a1\n', /targets\/a\.yaml:2: extends: a extends a/],
    ['name: a\nextends: debian-13\nsuite: a\n', /targets\/a\.yaml:1: label: a \.deb needs a label/],
    ['name: a\nextends: debian-13\nsuite: a\nlable: a1\n', /:4: unknown key "lable"; did you mean "label"/],
    ['name: a\nextends: debian-13\nlabel: a1\n', /suite: /],
  ])('is refused as %j', (text, message) => expect(() => parse(base, text)).toThrow(message));

  it('is refused in a cycle', () => {
    const one = 'name: a\nextends: b\nsuite: a\nlabel: a1\n';
    const two = 'name: b\nextends: a\nsuite: b\nlabel: b1\n';
    expect(() => parse(one, two)).toThrow(/a extends b extends a/);
  });
});
