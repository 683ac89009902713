import { describe, expect, it } from 'vitest';
import {
  nextRows,
  type PageFacts,
  type PageRow,
  rowAttributes,
  rowsOnPage,
} from '../../../src/publish/page.ts';
import { renderRepositoryPage } from '../../../src/ui/repository-page.ts';

const row = (change: Partial<PageRow> = {}): PageRow => ({
  ...{ to: 'apt', channel: 'stable', name: 'trixie', release: '4.18.0+turnbuild-1', date: '2026-11-28' },
  ...change,
});

const FACTS: PageFacts = {
  url: 'https://packages.example.org/coturn',
  fingerprint: '0123456789ABCDEF0123456789ABCDEF01234567',
  rows: [
    row(),
    row({ channel: 'testing', release: '4.19.0+turnbuild-1' }),
    row({ channel: 'testing', name: 'bookworm' }),
    row({ to: 'dnf', name: 'portable' }),
  ],
  withdrawn: [{ release: '4.17.0+turnbuild-1', reason: 'crashes on <start> & "stop"' }],
};
const page = (change: Partial<PageFacts> = {}) =>
  renderRepositoryPage({ ...FACTS, ...change }, rowAttributes);

describe('the page of a repository', () => {
  it('has the commands for apt and dnf, of the stable channel if there is one', () => {
    const text = page();
    expect(text).toContain(
      "curl -fsSo /etc/apt/sources.list.d/coturn.sources 'https://packages.example.org/coturn/apt/coturn-trixie.sources'\n",
    );
    expect(text).toContain("/apt/coturn-bookworm-testing.sources'");
    expect(text).toContain("/dnf/coturn-portable-stable.repo'");
    expect(text).toContain('0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567');
  });

  it('shows the key before the first command that trusts it', () => {
    const text = page();
    expect(text.indexOf('<h2>Key</h2>')).toBeGreaterThan(0);
    expect(text.indexOf('<h2>Key</h2>')).toBeLessThan(text.indexOf('/etc/apt/sources.list.d'));
  });

  it('links to the testing channel of a system that has both channels', () => {
    expect(page().match(/<a href="[^"]*-testing\.(?:sources|repo)">/g)).toEqual([
      '<a href="https://packages.example.org/coturn/apt/coturn-trixie-testing.sources">',
    ]);
  });

  it.each([
    ['apt', true, false],
    ['dnf', false, true],
  ] as const)(
    'says how machines with %s upgrade by themselves, if it has packages for them',
    (to, apt, dnf) => {
      const text = page({ rows: [row({ to })], withdrawn: [] });
      expect(text.includes('Origins-Pattern { &quot;site=packages.example.org&quot;; };')).toBe(apt);
      expect(text.includes('systemctl enable --now dnf-automatic-install.timer')).toBe(dnf);
    },
  );

  it('escapes what others have written', () => {
    const text = page({ url: `https://example.org/"><b>'x'` });
    expect(text).toContain('crashes on &lt;start&gt; &amp; &quot;stop&quot;');
    expect(text).not.toContain('<b>');
    expect(text).toContain('%27x%27/apt/');
  });

  it('loads nothing and runs nothing', () => {
    expect(page()).not.toMatch(/<script|<link|<img|@import|url\(|\son\w+=/i);
  });

  it('is the same for the same facts, and says which rows it has', () => {
    expect(page()).toBe(page());
    const rows = rowsOnPage(page());
    expect(rows).toHaveLength(FACTS.rows.length);
    expect(rows).toEqual(expect.arrayContaining([...FACTS.rows]));
  });

  it('ignores rows that turnbuild does not write', () => {
    expect(
      rowsOnPage('data-row="apt nightly trixie 1 2026-11-28" data-row="snap stable x 1 2026-11-28"'),
    ).toEqual([]);
    expect(rowsOnPage('data-row="apt stable &lt;b&gt; 1 2026-11-28"')).toEqual([]);
  });
});

describe('the rows of a page', () => {
  const next = (before: PageRow[], releases: string[]) =>
    nextRows(
      before,
      [{ to: 'apt', channel: 'stable', offers: [{ name: 'trixie', before: [], releases }] }],
      () => '2026-12-01',
    );

  it('keep the day on which a release got there', () => {
    expect(next([row()], ['4.18.0+turnbuild-1', '4.19.0+turnbuild-1'])).toEqual([
      row({ release: '4.19.0+turnbuild-1', date: '2026-12-01' }),
      row(),
    ]);
  });

  it('lose what left a place, and keep the places that are not planned', () => {
    const others = [
      row({ channel: 'testing' }),
      row({ name: 'bookworm' }),
      row({ to: 'dnf', name: 'trixie' }),
    ];
    const rows = next([row(), ...others], []);
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(expect.arrayContaining(others));
  });
});
