import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contextPaths, matching } from '../../../src/plan/dockerfile.ts';

const folder = new URL('../../../recipes/docker/', import.meta.url);
const text = readFileSync(new URL('Dockerfile', folder), 'utf8');
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(folder.pathname.length).replace(/^\/+/, ''));

const SMALL = `
# COPY commented /x
ARG KIND=one
FROM --platform=$BUILDPLATFORM base AS tools
COPY tools.sh \\
  more.sh /x/
FROM tools AS one
COPY one/ /x/
FROM tools AS two
ARG KIND
COPY --chmod=755 \${KIND}/file* /x/
FROM $KIND AS made
RUN --mount=type=bind,from=side,source=/z,target=/y --mount=type=bind,source=mounted.sh,target=/m sh /x/made.sh
FROM scratch AS side
COPY side.sh /
COPY --from=unused / /x/
FROM scratch AS unused
COPY unused.sh /
FROM scratch AS other
COPY other.sh /
`;

describe('contextPaths', () => {
  it('finds files that a stage copies or mounts, directly or through other stages', () => {
    expect(contextPaths(SMALL, ['made'], {})).toEqual([
      'more.sh',
      'mounted.sh',
      'one/',
      'side.sh',
      'tools.sh',
      'unused.sh',
    ]);
    expect(contextPaths(SMALL, ['made'], { KIND: 'two' })).toContain('two/file*');
    expect(contextPaths(SMALL, ['other'], {})).toEqual(['other.sh']);
    expect(contextPaths(SMALL, ['other', 'tools'], {})).toEqual(['more.sh', 'other.sh', 'tools.sh']);
  });

  it('refuses an unknown stage', () => {
    expect(() => contextPaths(SMALL, ['none'], {})).toThrow('no stage none');
  });

  it.each([
    [
      {},
      ['build/build.sh', 'build/compile.sh', 'build/compiler.sh', 'build/options.pl', 'build/toolchain.sh'],
    ],
    [{ COMPILE_ON: 'sysroot' }, ['sysroot/dnf.sh', 'sysroot/sysroot.sh']],
    [{ COMPILE_ON: 'static-libraries' }, ['static/libraries.sh', 'static/systemd/sd-daemon.h']],
  ])('finds the files that compile coturn with the arguments %j', (args, expected) => {
    expect(matching(files, contextPaths(text, ['build'], args))).toEqual(expect.arrayContaining(expected));
  });

  it('omits the files of unrelated stages', () => {
    const found = matching(files, contextPaths(text, ['package'], { FORMAT: 'deb' }));
    expect(found).toContain('deb/package.sh');
    expect(found.filter((file) => /^(rpm|verify|lab|static|sysroot)\//.test(file))).toEqual([]);
  });

  it('finds every file of recipes/docker except those for base images', () => {
    const variants = [
      { FORMAT: 'deb' },
      { FORMAT: 'deb', TOOLS: 'native', COMPILE_ON: 'sysroot' },
      ...['made', 'installed', 'given'].flatMap((RPM_ROOT) =>
        ['own', 'native'].map((TOOLS) => ({
          FORMAT: 'rpm',
          RPM_ROOT,
          TOOLS,
          COMPILE_ON: 'static-libraries',
        })),
      ),
    ];
    const stages = ['build', 'package', 'inspect', 'verify', 'sanitize', 'lab'];
    const machine = readFileSync(new URL('machine.Dockerfile', folder), 'utf8');
    const used = new Set([
      ...variants.flatMap((args) => matching(files, contextPaths(text, stages, args))),
      ...matching(files, contextPaths(machine, ['image', 'boot'], { TOOLS: 'native' })),
    ]);
    // turn-agent's tests and documents are dropped before it is compiled.
    const dropped =
      /^machine\/agent\/(testdata\/.*\.(json|conf|nft)|internal\/clouds\/\w+\.go|.*_test\.go|README\.md)$/;
    const unused = files.filter((file) => !used.has(file));
    expect(unused.filter((file) => dropped.test(file)).length).toBeGreaterThan(250);
    expect(machine).toContain(
      "rm -r testdata internal/clouds && find . '(' -name '*_test.go' -o -name '*.md' ')' -delete",
    );
    // These make base images: bootstrapped outside Docker, or in a separate build.
    expect(unused.filter((file) => !dropped.test(file)).sort()).toEqual([
      'Dockerfile',
      'image/Dockerfile',
      'image/root.sh',
      'machine.Dockerfile',
      'native/dpkg.sh',
      'native/lend.sh',
    ]);
  });
});

describe('matching', () => {
  it('matches a folder recursively, and a pattern only within one folder', () => {
    const all = ['a/b.sh', 'a/c/d.sh', 'ab.sh', 'a.sh', 'x/a.sh'];
    expect(matching(all, ['a/'])).toEqual(['a/b.sh', 'a/c/d.sh']);
    expect(matching(all, ['a*.sh'])).toEqual(['ab.sh', 'a.sh']);
    expect(matching(all, ['a.sh'])).toEqual(['a.sh']);
    expect(matching(all, [])).toEqual([]);
  });
});
