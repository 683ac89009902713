import { describe, expect, it } from 'vitest';
import type { CheckResult, Manifest } from '../../../src/manifest/schema.ts';
import { checkAnchor } from '../../../src/ui/anchors.ts';
import { variantsOf } from '../../../src/ui/outcome.ts';
import { renderReport } from '../../../src/ui/report.ts';
import { notRun } from '../../../src/ui/report-not-run.ts';
import { fixture, onePackage, plant, withSteps, wordsOf } from './manifest-fixture.ts';

const render = (manifest: Manifest): string => renderReport(manifest, { turnbuildVersion: '0.1.0' });
const all = (text: string, part: RegExp) => [...text.matchAll(part)].map(([, found]) => found ?? '');
const withStatus = (manifest: Manifest, edit: (check: CheckResult) => Partial<CheckResult>) =>
  withSteps(
    manifest,
    ({ checks }) => checks && { checks: checks.map((check) => ({ ...check, ...edit(check) })) },
  );

/** One manifest of each kind. */
const MANIFESTS: [string, Manifest][] = [
  ['a good release', fixture()],
  ['a failing release', fixture({ failing: true })],
  ['a release with blocked checks', withStatus(fixture(), () => ({ status: 'blocked', blockedBy: 'stun' }))],
  [
    'a release without checks',
    { ...fixture(), steps: fixture().steps.filter(({ stage }) => stage !== 'verify') },
  ],
  ['a release with odd names', plant(fixture({ failing: true }), ' "#é<') as Manifest],
];

describe.each(MANIFESTS)('the page of %s', (_, manifest) => {
  const page = render(manifest);

  it('has unique ids', () => {
    const ids = all(page, / id="([^"]*)"/g);
    expect(ids.length).toBeGreaterThan(8);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    for (const id of ids) expect(id).toMatch(/^[\w.-]+$/);
  });

  it('has no broken internal link', () => {
    const ids = new Set(all(page, / id="([^"]*)"/g));
    const links = all(page, /href="#([^"]*)"/g);
    expect(links.length).toBeGreaterThan(8);
    expect(links.filter((link) => !ids.has(link))).toEqual([]);
  });

  it('has a table of contents in the order of its sections', () => {
    const [nav = ''] = page.match(/<nav[\s\S]*?<\/nav>/) ?? [];
    expect(all(nav, /href="#([^"]*)"/g)).toEqual(all(page, /<section id="([^"]*)"/g));
  });
});

it('sections are in the order a reviewer needs, failures first', () => {
  const sections = (manifest: Manifest) => all(render(manifest), /<section id="([^"]*)"/g);
  const order = [
    'advisories',
    'not-run',
    'packages',
    'checks',
    'metrics',
    'source',
    'bases',
    'facts',
    'steps',
  ];
  expect(sections(fixture())).toEqual(order);
  expect(sections(fixture({ failing: true }))).toEqual(['failures', ...order]);
  const page = render(fixture({ failing: true }));
  expect(page.indexOf('class="verdict')).toBeLessThan(page.indexOf('<nav'));
  expect(page.indexOf('<nav')).toBeLessThan(page.indexOf('<section'));
});

it('each check has an anchor, and different checks have different anchors', () => {
  expect(render(fixture())).toContain('<tr id="check-turn-udp">');
  expect(checkAnchor('peers.forbidden')).toBe('check-peers.forbidden');
  const odd = ['a b', 'a_20_b', 'a"b', 'a b ', 'a_b', '_', '__'];
  expect(new Set(odd.map(checkAnchor)).size).toBe(odd.length);
});

it('tables and cells of the matrix are not tab stops', () => {
  const page = render(fixture());
  expect(page).not.toContain('tabindex');
  for (const matrix of all(page, /<table class="matrix">([\s\S]*?)<\/table>/g))
    expect(matrix).not.toMatch(/<td[^>]*>\s*<(details|a)\b/);
});

it('the date of verification is that of the last verify step', () => {
  const dated = withSteps(fixture(), ({ stage, arch }) => ({
    finished:
      stage !== 'verify'
        ? '2027-01-01T00:00:00.000Z'
        : arch === 'arm64'
          ? '2026-11-27T10:03:59.123Z'
          : '2026-11-27T09:59:00.000Z',
  }));
  expect(render(dated)).toContain(
    'verified <time datetime="2026-11-27T10:03:59.123Z">2026-11-27 10:03 UTC</time>',
  );
  expect(render(fixture())).toContain('date of verification not recorded');
});

it('the verdict includes the cause of a failure', () => {
  const known = withStatus(fixture({ failing: true }), ({ status }) =>
    status === 'failed' ? { cause: 'Packets are lost' } : {},
  );
  const verdict = /<p class="verdict[\s\S]*?<\/p>/.exec(render(known))?.[0] ?? '';
  expect(wordsOf(verdict)).toBe('✗ Failed : Packets are lost checks of debian-13 / arm64; 1 step');
});

describe('checks that were not run', () => {
  const words = (manifest: Manifest) => wordsOf(notRun(manifest, variantsOf(manifest)).safe);

  it('are grouped by kind and reason, with their packages', () => {
    expect(words(fixture())).toBe(
      'Not run Cannot run here (2) This machine or builder lacks a prerequisite of these checks. systemd-analyze does not run under qemu-user systemd unit is confined unit-exposure debian-12 / arm64, debian-13 / arm64',
    );
    const ids = ['stun', 'start', 'purge', 'install'];
    const kinds = { start: 'deselected', purge: 'not-applicable', install: 'blocked' } as const;
    const mixed = withStatus(fixture(), ({ id }) =>
      ids.includes(id)
        ? {
            status: kinds[id as keyof typeof kinds] ?? 'blocked',
            message: '',
            blockedBy: id === 'stun' ? 'x' : undefined,
          }
        : { status: 'passed' },
    );
    const text = words(mixed);
    expect(text).toMatch(/^Not run Blocked \(8\) .*Deselected \(4\) .*Not applicable \(4\) /);
    expect(text).toContain('blocked by x Answers STUN stun all packages');
    expect(text).toContain('no reason recorded Installs in a clean root install all packages');
  });

  it('are replaced by a note if every check ran', () => {
    expect(words(withStatus(fixture(), () => ({ status: 'passed' })))).toBe(
      'Not run Every check that applies to a package ran on it.',
    );
  });

  it('include packages on which no check passed, and failed steps that others depend on', () => {
    const none = withSteps(onePackage(), ({ stage }) =>
      stage === 'verify' ? { checks: [] } : stage === 'build' ? { status: 'failed' } : undefined,
    );
    expect(words(none)).toBe(
      'Not run Not verified: debian-13 / arm64. Steps that depend on build-debian-13-arm64 were not run.',
    );
  });

  it('are collapsed if one reason applies to many', () => {
    const blocked = withStatus(onePackage(), () => ({ status: 'blocked', blockedBy: 'stun' }));
    expect(words(blocked)).toContain('blocked by stun 21 checks');
    expect(notRun(blocked, variantsOf(blocked)).safe).toContain('<details>');
  });
});
