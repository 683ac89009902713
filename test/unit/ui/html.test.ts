import { expect, test } from 'vitest';
import { folded, hash, html, link, nothing, section, table } from '../../../src/ui/html.ts';
import { wordsOf } from './manifest-fixture.ts';

test('a template escapes text, and inserts HTML, lists of it, numbers and nothing unchanged', () =>
  expect(html`<p>${'<'}${1}${undefined}${nothing}${[html`<b>a</b>`, html`<i>b</i>`]}</p>`.safe).toBe(
    '<p>&lt;1<b>a</b><i>b</i></p>',
  ));

test.each([
  [
    'https://a/?x=1&y=2',
    undefined,
    '<a href="https://a/?x=1&amp;y=2" rel="noopener noreferrer">https://a/?x=1&amp;y=2</a>',
  ],
  ['HTTP://a', 'here', '<a href="HTTP://a" rel="noopener noreferrer">here</a>'],
  ['/srv/coturn.tar.gz', undefined, '/srv/coturn.tar.gz'],
  ['xhttps://a', 'here', 'here (xhttps://a)'],
])('a link to %s with the label %s is %s', (address, label, expected) =>
  expect(link(address, label).safe).toBe(expected),
);

test('a missing digest is shown as "none"', () => {
  expect(wordsOf(hash(undefined).safe)).toBe('none');
  expect(hash('abc').safe).toContain('>abc<');
});

test('a table has a caption, and a section links to itself', () => {
  expect(table('A & B', [], [], 'wide').safe).toContain('<table class="wide"><caption>A &amp; B</caption>');
  // Browsers let the keyboard scroll a scrollable element, so a table needs no tab stop.
  expect(table('A', [], []).safe).not.toContain('tabindex');
  expect(section('a', 'A & B', html`<p>c</p>`).safe).toBe(
    '<section id="a"><h2><a class="self" href="#a">A &amp; B</a></h2>\n<p>c</p></section>\n',
  );
});

test('collapsed content has a title, and long lists are marked', () => {
  expect(folded('A & B', html`<p>c</p>`).safe).toContain('<summary>A &amp; B</summary><p>c</p></details>');
  expect(folded('A', nothing, 'long').safe).toContain('<details class="long">');
});
