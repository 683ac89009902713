import { describe, expect, it } from 'vitest';
import type { ProjectSettings } from '../../../src/recipe/project.ts';
import type { CommonOptions } from '../../../src/run/options.ts';
import { type ProjectUse, publishOf, withProject } from '../../../src/run/project-options.ts';

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
  it('are unchanged without a project', () => {
    expect(withProject({ arch: ['arm64'] }, undefined, 'release')).toEqual({
      options: { arch: ['arm64'] },
      coturn: undefined,
    });
  });

  it('default to the settings of the project', () => {
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

  it('override the settings of the project individually', () => {
    const given = {
      ...{ target: ['debian-12'], revision: '3', maintainer: 'C <c@d.example>', out: 'here' },
      ...{ accept: ['CVE-2'], arch: ['x86_64'], source: 'debian' },
    };
    const { options } = settled(
      { ...given, mirror: ['ubuntu=http://v.example'] },
      { ...SETTINGS, source: 'github' },
    );
    expect(options).toMatchObject(given);
    // If a name occurs twice, the later address applies.
    expect(options.mirror).toEqual([...MIRRORS, 'ubuntu=http://v.example']);
  });

  it('take only mirrors and the output folder from the project for a given plan or package', () => {
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
  ])('resolve the source %s from the folder of turnbuild.yaml: %s', (source, path) =>
    expect(settled({}, { source }).options.source).toBe(path),
  );

  it.each([
    ['packages', '/p/packages'],
    ['../x', '/x'],
    ['/srv/x', '/srv/x'],
  ])('resolve the output folder %s from the folder of turnbuild.yaml: %s', (out, path) =>
    expect(settled({}, { out }).options.out).toBe(path),
  );

  it.each([
    [undefined, '^4.18.0'],
    ['github', '^4.18.0'],
    ['debian', '^4.18.0'],
    ['./other.tar.gz', undefined],
    ['https://a.example/c.tar.gz', undefined],
  ])('with --source %s select the version %s', (source, coturn) =>
    expect(settled(source === undefined ? {} : { source }).coturn).toBe(coturn),
  );
});

describe("a project's repository", () => {
  const repoOf = (repo: string) =>
    publishOf({
      ...{ file: '/p/turnbuild.yaml', dir: '/p', lock: '/p/turnbuild.lock.json' },
      settings: { publish: { repo } },
    }).repo;

  it('is a folder relative to its file, or an address', () => {
    expect(['packages', '/srv/packages', 's3://packages/coturn'].map(repoOf)).toEqual([
      '/p/packages',
      '/srv/packages',
      's3://packages/coturn',
    ]);
  });
});
