import { describe, expect, it } from 'vitest';
import { elfChecks } from '../../src/checks/elf-checks.ts';
import type { PackageFacts } from '../../src/checks/facts.ts';
import { judgeAll } from '../../src/checks/judge.ts';
import { compileElf, GOOD_FLAGS, GOOD_PROGRAM, packageFacts } from '../support/package-facts.ts';
import { target } from '../support/plan-facts.ts';
import { factsOf, failures, PLANTED } from '../support/planted/elf.ts';

describe('a program with statically linked libraries', () => {
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

  it("is checked for hardening in coturn's own static library", () => {
    expect(bad(GOOD)).toEqual([]);
    expect(bad(GOOD.replace('__stack_chk_fail', 'abort'))).toEqual(['elf.stack']);
    expect(bad(GOOD.replace('__snprintf_chk', 'snprintf'))).toEqual(['elf.fortify']);
    expect(bad('')).toEqual(own);
  });

  it('requires a newer glibc for packed relocations, which no symbol shows', () => {
    const flags = [...GOOD_FLAGS, '-Wl,-z,pack-relative-relocs'];
    const found = linked(GOOD, {
      elf: [compileElf(GOOD_PROGRAM, flags)],
      target: { ...target('portable'), glibc: '2.36' },
    });
    expect(found['elf.glibc']).toMatch(/needs GLIBC_ABI_DT_RELR/);
    expect(linked(GOOD, { target: { ...target('portable'), glibc: '2.36' } })['elf.glibc']).toBeUndefined();
  });
});

describe('ELF checks on programs compiled by gcc', () => {
  it('pass for a good program', () => {
    expect(failures(factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS)))).toEqual({});
  });

  it.each(PLANTED)('%s fails only %s', (_, id, message, plant) => {
    const found = failures(plant());
    expect(Object.keys(found)).toEqual([id]);
    expect(found[id]).toMatch(message);
  });

  it('all fail for a package without turnserver', () => {
    const facts = packageFacts();
    const own = elfChecks.filter(({ applies }) => applies?.(facts.target) ?? true);
    expect(Object.keys(failures(facts))).toEqual(own.map((check) => check.id));
  });
});

describe('a package given as a file', () => {
  const given = (parts: Partial<PackageFacts>) =>
    judgeAll(elfChecks, factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), { built: false, ...parts }));

  it('fails for wrong debug symbols, but not for missing ones', () => {
    const find = (parts: Partial<PackageFacts>) => given(parts).find(({ id }) => id === 'elf.debug-symbols');
    expect(find({ inspected: { debugIds: '' } })).toMatchObject({
      status: 'cannot-here',
      message: 'no coturn-dbgsym was found beside the package',
    });
    expect(find({ inspected: { debugIds: 'abc\n' } })?.status).toBe('failed');
  });

  it('has its options read from the program', () => {
    const result = given({ options: new Set() }).find(({ id }) => id === 'elf.options');
    expect(result).toMatchObject({ status: 'passed', message: '2 options, read from the program' });
  });
});
