import { describe, expect, it } from 'vitest';
import type { ProjectSettings } from '../../../src/recipe/project.ts';
import type { CommonOptions } from '../../../src/run/options.ts';
import { type ProjectUse, withProject } from '../../../src/run/project-options.ts';

const SETTINGS: ProjectSettings = {
  ...{ coturn: '^4.18.0', targets: ['portable'], architectures: ['arm64'], revision: 2, accept: ['CVE-1'] },
  ...{ maintainer: 'A <a@b.example>', mirrors: { debian: 'http://a.example', ubuntu: 'http://u.example' } },
};
const settled = (
  options: CommonOptions,
  settings: ProjectSettings = SETTINGS,
  uses: ProjectUse = 'release',
) =>
  withProject(
    options,
    { file: '/p/turnbuild.yaml', dir: '/p', lock: '/p/turnbuild.lock.json', settings },
    uses,
  );

const MIRRORS = ['debian=http://a.example', 'ubuntu=http://u.example'];

describe('options', () => {
  it('are the given ones without a project', () => {
    expect(withProject({ arch: ['arm64'] }, undefined, 'release')).toEqual({
      options: { arch: ['arm64'] },
      coturn: undefined,
    });
  });

  it('are those of the project where the command line has none', () => {
    expect(settled({ json: true })).toEqual({
      coturn: '^4.18.0',
      options: {
        ...{
          json: true,
          target: ['portable'],
          arch: ['arm64'],
          revision: '2',
          maintainer: 'A <a@b.example>',
        },
        ...{ accept: ['CVE-1'], mirror: MIRRORS, out: '/p/dist' },
      },
    });
  });

  it('of the command line win, one by one', () => {
    const given = {
      ...{ target: ['debian-12'], revision: '3', maintainer: 'C <c@d.example>', out: 'here' },
      ...{ accept: ['CVE-2'], arch: ['x86_64'], source: 'debian' },
    };
    const { options } = settled(
      { ...given, mirror: ['ubuntu=http://v.example'] },
      { ...SETTINGS, source: 'github' },
    );
    expect(options).toMatchObject(given);
    // The later address of a name counts.
    expect(options.mirror).toEqual([...MIRRORS, 'ubuntu=http://v.example']);
  });

  it('say only where things are for a plan or a package that is given', () => {
    expect(settled({}, SETTINGS, 'places')).toEqual({
      coturn: undefined,
      options: { mirror: MIRRORS, out: '/p/dist' },
    });
  });

  it.each([
    ['./c.tar.gz', '/p/c.tar.gz'],
    ['../c.tar.gz', '/c.tar.gz'],
    ['/tmp/c.tar.gz', '/tmp/c.tar.gz'],
    ['github', 'github'],
    ['https://a.example/c.tar.gz', 'https://a.example/c.tar.gz'],
  ])('have the source %s relative to the file: %s', (source, path) =>
    expect(settled({}, { source }).options.source).toBe(path),
  );

  it.each([
    ['packages', '/p/packages'],
    ['../x', '/x'],
    ['/srv/x', '/srv/x'],
  ])('have the folder %s relative to the file: %s', (out, path) =>
    expect(settled({}, { out }).options.out).toBe(path),
  );

  it.each([
    [undefined, '^4.18.0'],
    ['github', '^4.18.0'],
    ['debian', '^4.18.0'],
    ['./other.tar.gz', undefined],
    ['https://a.example/c.tar.gz', undefined],
  ])('with --source %s release the version %s', (source, coturn) =>
    expect(settled(source === undefined ? {} : { source }).coturn).toBe(coturn),
  );
});
