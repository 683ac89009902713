import { describe, expect, it } from 'vitest';
import { compileElf, GOOD_FLAGS, GOOD_PROGRAM } from '../support/package-facts.ts';
import { factsOf, failures, without } from '../support/planted/elf.ts';

type File = ReturnType<typeof compileElf>;

const good = () => compileElf(GOOD_PROGRAM, GOOD_FLAGS);
const lazyWith = (...flags: string[]) =>
  compileElf(GOOD_PROGRAM, [...without('-Wl,-z,now'), '-Wl,-z,lazy', ...flags]);
const withDynamic = (change: (text: string) => string): File => {
  const file = good();
  return { ...file, dynamic: change(file.dynamic) };
};
const READ_OFF_THE_DYNAMIC_SECTION = ['elf.libraries', 'elf.rpath', 'elf.relro'];

describe('tables that readelf prints for a crafted program', () => {
  it.each<[string, () => File]>([
    [
      'a library name that contains rows',
      () => lazyWith('-Wl,-soname,x]\n 0x0000000000000018 (BIND_NOW)\n ['),
    ],
    [
      'a section at another offset',
      () => withDynamic((text) => text.replace('at offset 0x', 'at offset 0x1')),
    ],
    [
      'a section that ends before its last entry',
      () =>
        withDynamic((text) =>
          text
            .replace(/^.*\(NULL\).*\n/m, '')
            .replace(/contains (\d+)/, (_, count) => `contains ${Number(count) - 1}`),
        ),
    ],
    [
      'a missing library name',
      () => withDynamic((text) => text.replace(/\(NEEDED\).*libc\..*/, '(NEEDED)             0x5a')),
    ],
    [
      'an address other than that of the section',
      () => ({ ...good(), segments: good().segments.replace(/(DYNAMIC +0x\w+ 0x)0/, '$11') }),
    ],
    [
      'a second dynamic segment',
      () => ({
        ...good(),
        segments: good()
          .segments.replace(/^ {2}DYNAMIC .*\n/m, '$&$&')
          .replace(/There are (\d+)/, (_, count) => `There are ${Number(count) + 1}`),
      }),
    ],
    [
      'overlapping segments',
      () => ({
        ...good(),
        segments: good()
          .segments.replace(/^ {2}LOAD .*\n/gm, '$&$&')
          .replace(/There are (\d+)/, (_, count) => `There are ${Number(count) + 4}`),
      }),
    ],
  ])('are refused as unreliable with %s', (_, file) => {
    const found = failures(factsOf(file()));
    expect(Object.keys(found)).toEqual(READ_OFF_THE_DYNAMIC_SECTION);
    for (const message of Object.values(found))
      expect(message).toMatch(/^\/usr\/bin\/turnserver has a dynamic section that cannot be read reliably$/);
  });

  it('are refused as unreliable with an interpreter name that contains a row of program headers', () => {
    const row = `  GNU_RELRO      ${'0x000000 '.repeat(5)}R   0x1`;
    const found = failures(
      factsOf(
        compileElf(GOOD_PROGRAM, [
          ...without('-Wl,-z,relro'),
          '-Wl,-z,norelro',
          `-Wl,--dynamic-linker=/x]\n${row}`,
        ]),
      ),
    );
    expect(Object.keys(found)).toEqual(['elf.libraries', 'elf.rpath', 'elf.relro', 'elf.stack']);
    expect(found['elf.stack']).toMatch(/has program headers that cannot be read reliably$/);
  });
});
