import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../src/manifest/schema.ts';
import { variantsOf } from '../../../src/ui/outcome.ts';
import { advisories } from '../../../src/ui/report-advisories.ts';
import { artifacts } from '../../../src/ui/report-artifacts.ts';
import { metrics } from '../../../src/ui/report-metrics.ts';
import { bases, source } from '../../../src/ui/report-origin.ts';
import { facts, timings } from '../../../src/ui/report-steps.ts';
import { fixture, onePackage, rowsOf, withImages, withSteps, wordsOf } from './manifest-fixture.ts';

describe('artifacts', () => {
  it('are grouped into packages, companions and other files, each sorted by name', () => {
    const text = artifacts(fixture()).safe;
    const [packages = '', companions = '', others = ''] = text.split('<details class="long">');
    const names = (part: string) =>
      rowsOf(part)
        .slice(1)
        .map(([name]) => name);
    expect(names(packages)).toHaveLength(4);
    expect(names(packages).every((name) => name?.startsWith('coturn_'))).toBe(true);
    expect(names(companions)).toHaveLength(4);
    expect(names(companions).every((name) => name?.startsWith('coturn-dbgsym_'))).toBe(true);
    expect(names(others)).toHaveLength(8);
    const manifest = fixture();
    expect(artifacts({ ...manifest, steps: manifest.steps.toReversed() }).safe).toBe(text);
  });

  it('have a table of their own if they are machine images', () => {
    const tables = artifacts(withImages()).safe.split('<caption>').slice(1);
    expect(tables.map((text) => wordsOf(text.split('</caption>')[0] ?? '')).slice(0, 2)).toEqual([
      'Packages',
      'Machine images',
    ]);
    expect(rowsOf(tables[1] ?? '').map(([name]) => name)).toEqual([
      ...['File', 'coturn-4.6.1-1-aws-arm64.raw.zst', 'coturn-4.6.1-1-gce-arm64.tar.gz'],
    ]);
    expect(rowsOf(tables[0] ?? '')).toHaveLength(5);
  });

  it('are linked if they are packages or companions, with encoded names', () => {
    const path = 'javascript:a/b c#d?e%f.deb';
    const deb = { path, kind: 'deb' as const, size: 1, sha256: 'f'.repeat(64) };
    const steps = [{ ...(fixture().steps[0] as Manifest['steps'][0]), outputs: [deb] }];
    expect(artifacts({ ...fixture(), steps }).safe).toContain(
      'href="./javascript%3Aa/b%20c%23d%3Fe%25f.deb"',
    );
    const [packages = '', companions = '', others = ''] = artifacts(fixture()).safe.split('<details');
    const links = (part: string) => part.match(/href="\.\//g)?.length;
    expect([links(packages), links(companions), links(others)]).toEqual([4, 4, undefined]);
  });

  it('show their size in both forms, and dashes without a package', () => {
    const file = { path: 'a.log', kind: 'log' as const, size: 2048, sha256: 'f'.repeat(64) };
    const steps = [{ ...(fixture().steps[0] as Manifest['steps'][0]), outputs: [file] }];
    const text = artifacts({ ...fixture(), steps }).safe;
    expect(rowsOf(text)[1]).toEqual(['a.log', '–', '–', '2.0 KiB', 'f'.repeat(64)]);
    expect(text).toContain('title="2,048 bytes"');
    expect(wordsOf(text)).toContain('No packages were built.');
    expect(text.match(/<details class="long">/g)).toHaveLength(1);
  });
});

describe('metrics', () => {
  it('have a column for each scraped package, with "none" for a missing metric', () => {
    const manifest = withSteps(fixture(), ({ target, arch, stage }) => {
      if (stage !== 'verify' || target === 'debian-12') return { metrics: {} };
      return { metrics: arch === 'arm64' ? { still: 0, moved: 1234 } : { moved: 0, also: 1, still: 0 } };
    });
    const text = metrics(variantsOf(manifest)).safe;
    expect(rowsOf(text)).toEqual([
      ['Metric', 'debian-13 arm64', 'debian-13 x86_64'],
      ['Non-zero'],
      ['also', 'none', '1'],
      ['moved', '1,234', '0'],
      ['At 0'],
      ['still', '0', '0'],
    ]);
    expect(text.match(/colspan="3"/g)).toHaveLength(2);
  });

  it('omit empty groups', () => {
    const text = metrics(variantsOf(withSteps(onePackage(), () => ({ metrics: { moved: 1 } })))).safe;
    expect(text).not.toContain('At 0');
  });
});

describe('the origin of a release', () => {
  it('includes the provider, commit and date of the source', () => {
    const rows = Object.fromEntries(rowsOf(source(fixture()).safe).slice(1));
    const { location, sha256 } = fixture().source ?? {};
    expect(rows).toMatchObject({ Provider: 'debian', 'Git tree': 'none', Location: location });
    expect(rows['SHA-256 of the tarball']).toContain(sha256);
    expect(rows['Git commit']).toMatch(/^9ac6b2/);
    expect(rows['Release date (SOURCE_DATE_EPOCH)']).toBe('2022-12-03T19:00:00Z 1670094000');
    const never = source({ ...fixture(), coturn: { ...fixture().coturn, epoch: 1e15 } }).safe;
    expect(wordsOf(never)).toContain('1000000000000000 1000000000000000');
  });

  it('includes the advisories of its version, or says that there are none', () => {
    expect(wordsOf(advisories({ ...fixture(), advisories: [] }).safe)).toContain(
      'No known advisory affects coturn 4.6.1.',
    );
    const all = fixture();
    // Two more rows: the head, and the name of the only group, advisories without an analysis.
    expect(rowsOf(advisories(all).safe)).toHaveLength(2 + all.advisories.length);
  });

  it('includes base images, with their packages sorted by name if known', () => {
    const [base] = fixture().bases;
    if (base === undefined) throw new Error('the fixture has base images');
    const { packages: _, ...bare } = base;
    const text = bases({
      ...fixture(),
      bases: [{ ...base, packages: { zlib1g: '1', bash: '5', dpkg: '2' } }, bare],
    }).safe;
    expect(wordsOf(text)).toContain('Packages (3) bash 5 dpkg 2 zlib1g 1');
    expect(text.match(/<details class="long">/g)).toHaveLength(1);
    expect(bases({ ...fixture(), bases: [] }).safe).toBe('');
  });
});

describe('facts', () => {
  it('are grouped by stage, with a column for each step that has some', () => {
    const noted = withSteps(onePackage(), ({ stage }) => {
      if (stage === 'package') return { facts: {} };
      return { facts: { [stage]: true, both: '' } };
    });
    const [, ...tables] = facts(noted).safe.split('<table');
    expect(tables.map((table) => rowsOf(table))).toEqual(
      ['build', 'verify'].map((stage) => [
        ['Fact', 'debian-13 / arm64'],
        [stage, 'yes'],
        ['both', 'none'],
      ]),
    );
    expect(facts(withSteps(onePackage(), () => ({ facts: {} }))).safe).toBe('');
  });

  it.each<[unknown, string]>([
    [undefined, 'none'],
    [null, 'none'],
    ['', 'none'],
    [0, '0'],
    [true, 'yes'],
    [false, 'no'],
    [['x', 2, null], 'x, 2, none'],
    [[], 'none'],
    [Array(12).fill('x'), Array(12).fill('x').join(', ')],
    [Array(13).fill('x'), `13 entries ${Array(13).fill('x').join(' ')}`],
    [['x', ['y']], '["x",["y"]]'],
    [{ gcc: '12', lto: false }, '2 entries gcc 12 lto no'],
    [{ gcc: '12', lto: { a: 1 } }, '{"gcc":"12","lto":{"a":1}}'],
    [{}, '{}'],
  ])('show %j as %s', (value, expected) => {
    const text = facts(
      withSteps(onePackage(), ({ stage }) => ({ facts: stage === 'build' ? { value } : {} })),
    ).safe;
    expect(rowsOf(text)[1]?.[1]?.replaceAll('&quot;', '"')).toBe(expected);
  });
});

it('facts and times of machine images name their clouds', () => {
  const [, ofPackages = '', ofImages = ''] = facts(withImages()).safe.split('<table');
  expect(rowsOf(ofPackages)[0]).toContain('debian-13 / arm64');
  expect(rowsOf(ofImages)[0]).toEqual(['Fact', 'aws / arm64', 'gce / arm64']);
});

it('the timings list each step and the total', () => {
  const [build, pack] = onePackage().steps;
  if (build === undefined || pack === undefined) throw new Error('the fixture has steps');
  const { target: _, arch: __, log: ___, ...own } = { ...pack, status: 'failed' as const, seconds: 3.5 };
  const rows = rowsOf(timings({ ...fixture(), steps: [{ ...build, seconds: 70 }, own] }).safe);
  expect(rows.slice(1).map((row) => row.slice(0, 6))).toEqual([
    [build.id, 'build', 'debian-13 / arm64', '✓ done', '1 min 10 s', 'logs/build-debian-13-arm64.log'],
    [pack.id, 'package', 'all', '✗ failed', '3.5 s', 'none'],
    ['Total', '', '1 min 14 s', ''],
  ]);
});
