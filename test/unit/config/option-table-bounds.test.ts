import { describe, expect, it } from 'vitest';
import { OptionTableError, parseOptionList, parseOptionTable } from '../../../src/config/option-table.ts';

const times = <T>(count: number, each: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => each(i));
const entries = (count: number) =>
  times(count, (i) => `  {"filler-${i}", no_argument, NULL, ${i}},`).join('\n');
const lines = (count: number) => times(count, (i) => `filler-${i} 0`);

describe('parseOptionTable', () => {
  it('accepts 50 options', () =>
    expect(parseOptionTable(`long_options[] = {\n${entries(50)}\n};`)).toHaveLength(50));

  it('refuses 49 options', () =>
    expect(() => parseOptionTable(`long_options[] = {\n${entries(49)}\n};`)).toThrow(
      new OptionTableError('its long_options[] has only 49 entries'),
    ));

  it('starts at the opening brace of the table, and ignores earlier braces', () =>
    expect(parseOptionTable(`x[] = {};long_options[] = {\n${entries(50)}\n};`)).toHaveLength(50));

  it.each([
    ['#ifdef MORE  \n', ['defined(MORE)']],
    ['#ifndef LESS\n', ['!defined(LESS)']],
    ['#if FIRST\n#elif SECOND\n', ['SECOND']],
    ['#if FIRST\n#else\n', ['!(FIRST)']],
    ['#if FIRST\n#endif\n', []],
  ])('reads the conditions of %j', (directives, conditions) => {
    const source = `long_options[] = {\n${directives}  {"own", no_argument, NULL, 1},\n${entries(50)}\n};`;
    expect(parseOptionTable(source)[0]).toEqual({ name: 'own', value: 'none', conditions });
  });
});

describe('parseOptionList', () => {
  it('accepts 50 options and skips blank lines', () => {
    const options = parseOptionList(`\n  \n${lines(50).join('\n\n')}\n`);
    expect(options).toEqual(times(50, (i) => ({ name: `filler-${i}`, value: 'none', conditions: [] })));
  });

  it('refuses 49 options, and does not count blank lines', () =>
    expect(() => parseOptionList(`${lines(49).join('\n')}\n\n  \n`)).toThrow(
      new OptionTableError('it names only 49 options'),
    ));
});
