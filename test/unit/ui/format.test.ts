import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  alignColumns,
  escapeHtml,
  formatBytes,
  formatDuration,
  formatNumber,
  printable,
  printableStyled,
  printableText,
  wrap,
} from '../../../src/ui/format.ts';

test('bytes are in IEC units', () => {
  const sizes = [0, 1023, 1024, 349_812, 1_048_575, 1_204_560, 5 * 1024 ** 3, 2 * 1024 ** 5];
  expect(sizes.map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '341.6 KiB',
    '1.0 MiB',
    '1.1 MiB',
    '5.0 GiB',
    '2048.0 TiB',
  ]);
});

test('no size is ever shown as 1024 of a unit', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), (bytes) => {
      expect(formatBytes(bytes)).not.toMatch(/^1024/);
    }),
  );
});

test('durations carry over into the next unit', () => {
  expect([0, 0.04, 59.94, 59.95, 59.96, 185, 3599.6, 3720, 7199.9].map(formatDuration)).toEqual([
    '0.0 s',
    '0.0 s',
    '59.9 s',
    '1 min 00 s',
    '1 min 00 s',
    '3 min 05 s',
    '1 h 00 min',
    '1 h 02 min',
    '2 h 00 min',
  ]);
});

test('numbers keep their value', () => {
  expect([0, 999, 1000, 1_234_567, -1234, 0.25, 1234.5, 1e21, Number.NaN].map(formatNumber)).toEqual([
    '0',
    '999',
    '1,000',
    '1,234,567',
    '-1,234',
    '0.25',
    '1,234.5',
    '1e+21',
    'NaN',
  ]);
  fc.assert(
    fc.property(fc.integer(), (value) => {
      expect(Number(formatNumber(value).replaceAll(',', ''))).toBe(value);
    }),
  );
});

test('escaped text has no HTML markup, and is reversible', () => {
  const back = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' } as const;
  fc.assert(
    fc.property(fc.string(), (text) => {
      const escaped = escapeHtml(text);
      expect(escaped).not.toMatch(/[<>"']/);
      expect(escaped.replace(/&(?:lt|gt|quot|#39|amp);/g, (e) => back[e as keyof typeof back])).toBe(text);
    }),
  );
});

test('escaped text has no control or invisible characters except newlines and tabs', () =>
  expect(escapeHtml('a\n\tb\r\u001b[2J\u202e\u2028\u3164c: ::1')).toBe('a\n\tb??[2J???c: ::1'));

test('printable text has no control or invisible characters', () => {
  expect(printable('a\u001b[31mb\r\n\u202ec\u009b')).toBe('a?[31mb???c?');
  expect(printable('a\u3164b\u115f\u034f\ufe0f\u{e0100}\u2800')).toBe('a?b?????');
  expect(printable('paypal\u200b.com\u00ad\u2028')).toBe('paypal?.com??');
});

test('columns are aligned', () => {
  expect(
    alignColumns(
      [
        ['a', '1', 'x'],
        ['long', '100', ''],
      ],
      new Set([1]),
    ),
  ).toEqual(['a       1  x', 'long  100']);
  // Rows with different numbers of cells.
  expect(alignColumns([['a'], ['b', 'c'], ['long', 'd', 'e']], new Set([2]))).toEqual([
    'a',
    'b     c',
    'long  d  e',
  ]);
});

test.each<[string, number, string[]]>([
  ['one two three', 7, ['one two', 'three']],
  ['one two three', 6, ['one', 'two', 'three']],
  ['a wonderful b', 4, ['a', 'wonderful', 'b']],
  ['  one\n two ', 80, ['one two']],
  [' ', 80, []],
])('%j is wrapped at %i columns and no earlier', (text, width, lines) =>
  expect(wrap(text, width)).toEqual(lines),
);

test('wrapped lines keep every word and stay within the width', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
  fc.assert(
    fc.property(words, fc.integer({ min: 12, max: 40 }), (list, width) => {
      const lines = wrap(list.join(' '), width);
      expect(lines.every((line) => line.length <= width)).toBe(true);
      expect(lines.join(' ').split(' ')).toEqual(list);
    }),
  );
});

test.each([
  ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
  ['\u001b[31mred\u001b[0m', '?[31mred?[0m'],
  // Clear the screen, move the cursor, conceal text, set the title, clear with a one-byte CSI, and reverse text.
  ['a\u001b[2J\u001b[1;1Hb', 'a?[2J?[1;1Hb'],
  ['\u001b[8mhidden', '?[8mhidden'],
  ['\u001b]0;title\u0007', '?]0;title?'],
  ['\u009b2J\r', '?2J?'],
  ['a\u202eb', 'a?b'],
  // Commands that GitHub's runner would execute.
  ['a\n::add-mask::x\n  ::error::y', 'a\n: :add-mask::x\n  : :error::y'],
  ['##[error]x', '## [error]x'],
  // Commands of other CI systems.
  ['a ##vso[task.setvariable]x ##teamcity[x]', 'a ## vso[task.setvariable]x ## teamcity[x]'],
  ['## Heading ##x', '## Heading ##x'],
  ['std::string, fe80::1', 'std::string, fe80::1'],
])('%j is printed as %j', (text, expected) => expect(printableText(text)).toBe(expected));

test("styled text keeps turnbuild's own styles and no other sequences", () =>
  expect(printableStyled('\u001b[31mred\u001b[0m\u001b[2J\u001b[8m')).toBe('\u001b[31mred\u001b[0m?[2J?[8m'));
