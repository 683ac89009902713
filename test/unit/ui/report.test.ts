import { expect, test } from 'vitest';
import type { Manifest } from '../../../src/manifest/schema.ts';
import { renderReport } from '../../../src/ui/report.ts';
import { fixture, plant, sha } from './manifest-fixture.ts';

const render = (manifest: Manifest): string => renderReport(manifest, { turnbuildVersion: '0.1.0' });
const count = (text: string, part: RegExp): number => [...text.matchAll(part)].length;

test('no text of a manifest can become markup', () => {
  const nasty = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>&`;
  const harmless = render(plant(fixture({ failing: true }), ' harmless') as Manifest);
  const planted = render(plant(fixture({ failing: true }), nasty) as Manifest);
  expect(planted).not.toContain('<script');
  expect(planted).not.toContain('<img');
  expect(planted).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&gt;&lt;img');
  // The tags are the same as with harmless text, so no string opened or closed one. Only longer hashes add line breaks.
  const tags = (page: string): string[] =>
    (page.match(/<\/?[a-z]\w*/g) ?? []).filter((tag) => tag !== '<wbr');
  expect(tags(planted)).toEqual(tags(harmless));
});

test('control, bidirectional and invisible characters of a manifest are replaced', () => {
  const page = render(plant(fixture({ failing: true }), '\u001b[2J\u202e\u2028\u3164') as Manifest);
  expect(page).toContain('?[2J???');
  expect(page).not.toMatch(/[^\P{C}\n]|[\p{Zl}\p{Zp}\u3164]/u);
});

test('an address with another scheme than http or https is text, never a link', () => {
  const manifest = fixture();
  const [first] = manifest.advisories;
  if (first === undefined) throw new Error('the fixture has advisories');
  const page = render({ ...manifest, advisories: [{ ...first, reference: 'javascript:alert(1)' }] });
  expect(page).not.toMatch(/href="javascript/i);
  expect(page).toContain('(javascript:alert(1))');
});

test('the page loads no resources and runs no scripts', () => {
  const page = render(fixture());
  expect(page).not.toMatch(/<(script|img|iframe|object|embed|form|base|audio|video)\b/);
  expect(page.match(/<link[^>]*>/g)).toEqual(['<link rel="icon" href="data:,">']);
  expect(page).not.toMatch(/@import|url\(/);
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/\son[a-z]+=/);
});

test('elements are nested correctly', () => {
  const empty = new Set(['meta', 'link', 'wbr', 'br']);
  for (const failing of [false, true]) {
    const open: string[] = [];
    for (const [, slash, name = ''] of render(fixture({ failing })).matchAll(
      /<(\/?)([a-z][a-z0-9]*)[^>]*>/g,
    )) {
      if (empty.has(name)) continue;
      if (slash === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  }
});

test('every table has a caption, and every heading a scope', () => {
  const page = render(fixture());
  expect(count(page, /<caption>/g)).toBe(count(page, /<table\b/g));
  expect(count(page, /<th\b/g)).toBe(count(page, /<th scope="(?:col|row|rowgroup)"/g));
});

test('every row of a table has as many cells as its head', () => {
  for (const [table] of render(fixture()).matchAll(/<table[\s\S]*?<\/table>/g)) {
    const rows = [...table.matchAll(/<tr\b[\s\S]*?<\/tr>/g)].map(([row]) =>
      [...row.matchAll(/<t[hd]\b([^>]*)>/g)].reduce(
        (sum, [, attributes]) => sum + Number(/colspan="(\d+)"/.exec(attributes ?? '')?.[1] ?? 1),
        0,
      ),
    );
    expect(new Set(rows).size).toBe(1);
  }
});

test('failures come before all other sections, with their complete messages', () => {
  const page = render(fixture({ failing: true }));
  expect(page.indexOf('<section id="failures">')).toBeGreaterThan(0);
  expect(page.indexOf('<section id="failures">')).toBe(page.indexOf('<section '));
  expect(page).toContain('The difference is 3 packets of 200 bytes each.');
  // The step's only failure is its check.
  expect(page).not.toContain('1 check failed');
  expect(page).toContain('<p class="verdict failed">');
  expect(render(fixture())).not.toContain('id="failures"');
});

test('the matrix marks failed and impossible checks in words', () => {
  const page = render(fixture({ failing: true }));
  expect(page).toMatch(/<td class="failed">[\s\S]*?✗<\/span> fail</);
  expect(page).toMatch(/<td class="cannot-here">[\s\S]*?–<\/span> cannot run here</);
});

test('the page has the full hash of every file', () => {
  const manifest = fixture();
  const page = render(manifest).replaceAll('<wbr>', '');
  for (const file of manifest.steps.flatMap((step) => step.outputs)) {
    expect(page).toContain(`<code class="hash">${file.sha256}</code>`);
    expect(page).toContain(file.path);
  }
  expect(page).toContain(sha('tarball'));
  expect(page).toContain(sha('tree'));
  for (const base of manifest.bases) expect(page).toContain(base.digest);
});

test('non-zero metrics come before those at 0', () => {
  const page = render(fixture());
  const at = (text: string): number => page.indexOf(`<code>${text}</code>`);
  expect(at('turn_traffic_sentp{realm=&quot;turn.example.org&quot;}')).toBeGreaterThan(0);
  expect(at('turn_total_allocations')).toBeGreaterThan(
    at('turn_traffic_sentp{realm=&quot;turn.example.org&quot;}'),
  );
});

test('advisories are ordered by severity and linked', () => {
  const page = render(fixture());
  const severities = [...page.matchAll(/class="severity (\w+)"/g)].map((match) => match[1]);
  const order = ['critical', 'high', 'medium', 'low'];
  expect(severities).toEqual([...severities].sort((a, b) => order.indexOf(a ?? '') - order.indexOf(b ?? '')));
  expect(page).toContain('href="https://nvd.nist.gov/vuln/detail/CVE-2026-40613"');
});

test('without checks the page says that the packages are unverified', () => {
  const manifest = fixture();
  const page = render({ ...manifest, steps: manifest.steps.filter((step) => step.stage !== 'verify') });
  expect(page).toContain('<p class="verdict unverified">');
  expect(page).toContain('No check ran');
  expect(page).toContain('No metrics were scraped');
});

test('facts of any shape are shown', () => {
  const manifest = fixture();
  const steps = manifest.steps.map((step) => ({
    ...step,
    facts: { flag: true, none: null, list: ['x', 2], empty: [], deep: { a: [{ b: 1 }] }, map: { gcc: '12' } },
  }));
  const page = render({ ...manifest, steps });
  expect(page).toContain('<code>gcc 12</code>');
  expect(page).toContain('x, 2');
  expect(page).toContain('{&quot;a&quot;:[{&quot;b&quot;:1}]}');
});

test('the same manifest gives the same page', () => {
  expect(render(fixture({ failing: true }))).toBe(render(fixture({ failing: true })));
});

test('a report of a package given as a file says what its checks cannot prove', () => {
  const { source, ...given } = fixture({});
  expect(source).toBeDefined();
  expect(render(given)).toMatch(/turnbuild did not build it\.[\s\S]*do not prove that it is harmless/);
  expect(render(fixture({}))).not.toContain('harmless');
});
