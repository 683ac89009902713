import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OptionTableError, parseOptionList, parseOptionTable } from '../../../src/config/option-table.ts';

/** A table with the given entries and enough others, in the shape of mainrelay.c. */
const table = (entries: string) => `
int x;
static const struct myoption long_options[] = {
${entries}
${Array.from({ length: 60 }, (_, i) => `  {"filler-${i}", no_argument, NULL, ${i}},`).join('\n')}
  {NULL, no_argument, NULL, 0}};
static const struct myoption admin_long_options[] = {
  {"admin-only", no_argument, NULL, 'x'},
};`;

const find = (source: string, name: string) =>
  parseOptionTable(source).find((option) => option.name === name);

describe('parseOptionTable', () => {
  it('reads names, kinds and conditions', () => {
    const source = table(`
/* deprecated: */ { "prod", optional_argument, NULL, 1 },
  { "realm", required_argument, NULL, 'r' }, { "fingerprint", optional_argument, NULL, 'f' },
#if !defined(TURN_NO_PROMETHEUS)
  {"prometheus", optional_argument, NULL, 2},
#ifdef MORE
  {"nested", no_argument, NULL, 2},
#else
  {"other", no_argument, NULL, 2},
#endif
#endif
  // {"commented", no_argument, NULL, 3},
  /* {"gone", no_argument, NULL, 3}, */
  {"last", no_argument, NULL, 3},`);
    expect(find(source, 'realm')).toEqual({ name: 'realm', value: 'required', conditions: [] });
    expect(find(source, 'prod')?.value).toBe('optional');
    expect(find(source, 'fingerprint')).toBeDefined();
    expect(find(source, 'prometheus')?.conditions).toEqual(['!defined(TURN_NO_PROMETHEUS)']);
    expect(find(source, 'nested')?.conditions).toEqual(['!defined(TURN_NO_PROMETHEUS)', 'defined(MORE)']);
    expect(find(source, 'other')?.conditions).toEqual(['!defined(TURN_NO_PROMETHEUS)', '!(defined(MORE))']);
    expect(find(source, 'last')?.conditions).toEqual([]);
    for (const absent of ['admin-only', 'commented', 'gone']) expect(find(source, absent)).toBeUndefined();
  });

  it.each([
    ['no table', 'int main(void) { return 0; }'],
    ['a table that is not understood', 'struct myoption long_options[] = { OPTIONS };'],
  ])('refuses %s', (_, source) => expect(() => parseOptionTable(source)).toThrow(OptionTableError));
});

describe('parseOptionList', () => {
  it('reads what the build has written of the real 4.6.1', () => {
    const text = readFileSync(new URL('../../fixtures/verified-4.6.1/options.txt', import.meta.url), 'utf8');
    const options = parseOptionList(text);
    expect(options.find(({ name }) => name === 'denied-peer-ip')?.value).toBe('required');
    expect(options.find(({ name }) => name === 'CA-file')?.value).toBe('required');
    expect(options.find(({ name }) => name === 'no-cli')?.value).toBe('optional');
  });
  it('refuses a list that is cut off', () =>
    expect(() => parseOptionList('a 0\n')).toThrow(OptionTableError));
});
