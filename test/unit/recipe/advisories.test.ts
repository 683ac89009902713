import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { inc, lt, minVersion, satisfies } from 'semver';
import { expect, test } from 'vitest';
import { manifestSchema } from '../../../src/manifest/schema.ts';
import {
  advisoriesFor,
  advisoriesSchema,
  quarantineOf,
  quarantineSchema,
} from '../../../src/recipe/advisories.ts';
import { comparableVersion, versionIn } from '../../../src/recipe/coturn-version.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../../recipes/${name}`, import.meta.url), 'utf8');
const advisories = parseRecipeFile('recipes/advisories.yaml', read('advisories.yaml'), advisoriesSchema);
const quarantine = parseRecipeFile('recipes/quarantine.yaml', read('quarantine.yaml'), quarantineSchema);
const idsFor = (version: string): string[] => advisoriesFor(version, advisories).map((a) => a.id);

test("every advisory's range ends exactly where its fix begins", () => {
  for (const { id, affected, fixed } of advisories) {
    const [major, minor, patch] = fixed.split('.').map(Number);
    const below = patch === 0 ? `${major}.${(minor ?? 0) - 1}.999` : `${major}.${minor}.${(patch ?? 0) - 1}`;
    expect([id, satisfies(fixed, affected)]).toEqual([id, false]);
    expect([id, satisfies(below, affected)]).toEqual([id, true]);
  }
});

test('no version from the fix on is affected', () => {
  const version = fc.tuple(fc.nat(9), fc.nat(40), fc.nat(20)).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(version, (v) => {
      for (const advisory of advisories) {
        if (versionIn(v, advisory.affected)) expect(lt(v, advisory.fixed)).toBe(true);
      }
    }),
  );
});

test('known advisories affect 4.6.1 and later versions as published', () => {
  const ids = idsFor('4.6.1');
  for (const id of ['27624', '40613', '43994', '53450', '62959', '68552', '73212', '73213', '73214']) {
    expect(ids).toContain(`CVE-2026-${id}`);
  }
  expect(ids).toContain('coturn-2056');
  expect(ids).not.toContain('CVE-2020-26262');
  // 4.6.2 introduced the weak random numbers.
  expect(ids).not.toContain('CVE-2025-69217');
  expect(idsFor('4.7.0')).toContain('CVE-2025-69217');
  // From 4.8.0 on, an even port also reserves the next one.
  expect(idsFor('4.7.0')).not.toContain('CVE-2026-73215');
  for (const version of ['4.8.0', '4.16.0']) expect(idsFor(version)).toContain('CVE-2026-73215');
});

test('no advisory affects 4.18.0', () => {
  expect(idsFor('4.18.0')).toEqual([]);
});

test('advisories are sorted by severity, most severe first', () => {
  const order = ['critical', 'high', 'medium', 'low'];
  const ranks = advisoriesFor('4.6.1', advisories).map((a) => order.indexOf(a.severity));
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
});

test('the manifest schema accepts the advisories of 4.6.1', () => {
  const stored = manifestSchema.shape.advisories.parse(advisoriesFor('4.6.1', advisories));
  expect(stored.length).toBeGreaterThan(10);
});

test('each CVE refers to its NVD page', () => {
  for (const { id, reference } of advisories.filter((a) => a.id.startsWith('CVE-'))) {
    expect(reference).toBe(`https://nvd.nist.gov/vuln/detail/${id}`);
  }
});

test('4.10.0, 4.17.0 and 4.17.1 are quarantined, their neighbours are not', () => {
  const held = (version: string): boolean => quarantineOf(version, quarantine) !== undefined;
  expect(['4.10.0', '4.17.0', '4.17.1'].filter(held)).toEqual(['4.10.0', '4.17.0', '4.17.1']);
  expect(['4.6.1', '4.9.0', '4.11.0', '4.16.0', '4.18.0'].filter(held)).toEqual([]);
  expect(quarantineOf('4.17.1', quarantine)?.reason).toContain('TTL');
});

test('the replacement of a quarantined release is later and not quarantined', () => {
  for (const { versions, instead } of quarantine) {
    expect(lt(minVersion(versions) ?? '0.0.0', instead)).toBe(true);
    expect(quarantineOf(instead, quarantine)).toBeUndefined();
  }
});

test('four-part and suffixed versions are compared by their first three numbers', () => {
  expect(['4.5.0.8', '4.5.1.3', '4.6.1-2', 'v4.18.0', '4.6', '4.17.1-r0'].map(comparableVersion)).toEqual([
    '4.5.0',
    '4.5.1',
    '4.6.1',
    '4.18.0',
    '4.6.0',
    '4.17.1',
  ]);
  expect(idsFor('4.5.0.8')).toContain('CVE-2020-26262');
  expect(quarantineOf('4.17.1-r0', quarantine)).toBeDefined();
});

test('an invalid version is refused instead of being treated as unaffected', () => {
  for (const version of ['', 'master', 'latest', 'release-4.6.1']) {
    expect(() => idsFor(version)).toThrow(expect.objectContaining({ code: 'VERSION_INVALID', exitCode: 2 }));
  }
});

const entry = (changes: Record<string, string>): string => {
  const good = {
    id: 'X-1',
    severity: 'low',
    affected: '"<4.9.0"',
    fixed: '4.9.0',
    summary: 's',
    reference: 'https://example.org',
  };
  const lines = Object.entries({ ...good, ...changes }).map(([key, value]) => `${key}: ${value}`);
  return `- ${lines.join('\n  ')}\n`;
};

test.each([
  ['an invalid range', entry({ affected: 'before 4.9' }), 'semver range'],
  ['a fix within the range', entry({ fixed: '4.8.0' }), 'cannot be both fixed and affected'],
  ['a fix that is not a version', entry({ fixed: 'soon' }), 'three numbers'],
  ['an unknown severity', entry({ severity: 'awful' }), 'severity'],
  ['a reference that is not an https URL', entry({ reference: 'javascript:alert(1)' }), 'https'],
  ['an unknown key', entry({ severty: 'low' }), 'unknown key "severty"'],
  ['the same id twice', entry({}) + entry({}), 'occurs twice'],
])('%s is refused', (_, text, message) => {
  expect(() => parseRecipeFile('recipes/advisories.yaml', text, advisoriesSchema)).toThrow(message);
  expect(() => parseRecipeFile('recipes/advisories.yaml', text, advisoriesSchema)).toThrow(
    expect.objectContaining({ code: 'RECIPE_INVALID' }),
  );
});

test('the patch release after a fix is not affected', () => {
  for (const { id, fixed } of advisories) expect(idsFor(inc(fixed, 'patch') ?? '')).not.toContain(id);
});
