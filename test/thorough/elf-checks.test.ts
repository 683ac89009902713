import { describe, expect, it } from 'vitest';
import { elfChecks } from '../../src/checks/elf-checks.ts';
import type { PackageFacts } from '../../src/checks/facts.ts';
import { judgeAll } from '../../src/checks/judge.ts';
import { compileElf, GOOD_FLAGS, GOOD_PROGRAM, packageFacts } from '../support/package-facts.ts';
import { target } from '../support/plan-facts.ts';
import { factsOf, failures, PLANTED } from '../support/planted/elf.ts';

describe('a program with libraries linked in', () => {
  // A linked library's own calls are fortified and protected, independent of coturn's flags.
  const linked = (library: string, parts: Partial<PackageFacts> = {}) =>
    failures(
      factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), {
        target: target('portable'),
        inspected: { ...factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS)).inspected, library },
        ...parts,
      }),
    );
  const GOOD =
    ' 9: 0 0 NOTYPE GLOBAL DEFAULT UND __stack_chk_fail\n 8: 0 0 NOTYPE GLOBAL DEFAULT UND __snprintf_chk\n';
  const own = ['elf.stack', 'elf.fortify'];
  const bad = (library: string) => Object.keys(linked(library)).filter((id) => own.includes(id));

  it("is judged by coturn's own static library", () => {
    expect(bad(GOOD)).toEqual([]);
    expect(bad(GOOD.replace('__stack_chk_fail', 'abort'))).toEqual(['elf.stack']);
    expect(bad(GOOD.replace('__snprintf_chk', 'snprintf'))).toEqual(['elf.fortify']);
    expect(bad('')).toEqual(own);
  });

  it('needs a newer C library with packed relocations, which no symbol tells', () => {
    const flags = [...GOOD_FLAGS, '-Wl,-z,pack-relative-relocs'];
    const found = linked(GOOD, {
      elf: [compileElf(GOOD_PROGRAM, flags)],
      target: { ...target('portable'), glibc: '2.36' },
    });
    expect(found['elf.glibc']).toMatch(/needs GLIBC_ABI_DT_RELR/);
    expect(linked(GOOD, { target: { ...target('portable'), glibc: '2.36' } })['elf.glibc']).toBeUndefined();
  });
});

describe('ELF checks, on programs that gcc has really made', () => {
  it('pass on a good one', () => {
    expect(failures(factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS)))).toEqual({});
  });

  it.each(PLANTED)('%s fails %s, and nothing else', (_, id, message, plant) => {
    const found = failures(plant());
    expect(Object.keys(found)).toEqual([id]);
    expect(found[id]).toMatch(message);
  });

  it('a package without turnserver fails every one of them', () => {
    const facts = packageFacts();
    const own = elfChecks.filter(({ applies }) => applies?.(facts.target) ?? true);
    expect(Object.keys(failures(facts))).toEqual(own.map((check) => check.id));
  });
});

describe('a package that was given as a file', () => {
  const given = (parts: Partial<PackageFacts>) =>
    judgeAll(elfChecks, factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), { built: false, ...parts }));

  it('is not blamed for symbols that nobody gave, and is for wrong ones', () => {
    const find = (parts: Partial<PackageFacts>) => given(parts).find(({ id }) => id === 'elf.debug-symbols');
    expect(find({ inspected: { debugIds: '' } })).toMatchObject({
      status: 'cannot-here',
      message: 'no coturn-dbgsym was found beside the package',
    });
    expect(find({ inspected: { debugIds: 'abc\n' } })?.status).toBe('failed');
  });

  it('has the options that are read out of its program', () => {
    const result = given({ options: new Set() }).find(({ id }) => id === 'elf.options');
    expect(result).toMatchObject({ status: 'passed', message: '2 options, read from the program' });
  });
});
