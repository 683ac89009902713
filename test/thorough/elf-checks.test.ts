import { describe, expect, it } from 'vitest';
import { elfChecks } from '../../src/checks/elf-checks.ts';
import type { PackageFacts } from '../../src/checks/facts.ts';
import { judgeAll } from '../../src/checks/judge.ts';
import { platformOf } from '../../src/plan/platforms.ts';
import { buildIdOf, compileElf, GOOD_FLAGS, GOOD_PROGRAM, packageFacts } from '../support/package-facts.ts';
import { target } from '../support/plan-facts.ts';

const without = (...flags: string[]) => GOOD_FLAGS.filter((flag) => !flags.includes(flag));

function failures(facts: PackageFacts): Record<string, string> {
  const results = judgeAll(elfChecks, facts).filter((result) => result.status === 'failed');
  return Object.fromEntries(results.map((result) => [result.id, result.message]));
}

function factsOf(file: ReturnType<typeof compileElf>, parts: Partial<PackageFacts> = {}): PackageFacts {
  return packageFacts({ elf: [file], inspected: { debugIds: `${buildIdOf(file)}\n` }, ...parts });
}

/** The planted fault, what is compiled, and the one check that has to say so. */
const PLANTED: [string, string, RegExp, () => PackageFacts][] = [
  [
    'a program without an option of its source',
    'elf.options',
    /the program lacks prometheus/,
    () => factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), { programOptions: new Set(['listening-port']) }),
  ],
  [
    'a program with an option that its source lacks',
    'elf.options',
    /the source lacks prometheus/,
    () => factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), { options: new Set(['listening-port']) }),
  ],
  [
    'a program whose options nobody can read',
    'elf.options',
    /no option table can be read/,
    () => factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), { programOptions: new Set() }),
  ],
  [
    'a program without Prometheus',
    'elf.prometheus',
    /has no Prometheus endpoint/,
    () =>
      factsOf(
        compileElf(GOOD_PROGRAM.replace('return MHD_start_daemon(0, 0) != 0', 'return 0'), [
          ...GOOD_FLAGS,
          '-Wl,--as-needed',
        ]),
      ),
  ],
  [
    'a program for another architecture',
    'elf.architecture',
    /not (AArch64|Advanced Micro Devices X86-64)/,
    () => {
      const good = factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS));
      return { ...good, platform: platformOf(good.platform.arch === 'arm64' ? 'x86_64' : 'arm64') };
    },
  ],
  [
    'an RPATH',
    'elf.rpath',
    /search path \/usr\/local\/lib/,
    () => factsOf(compileElf(GOOD_PROGRAM, [...GOOD_FLAGS, '-Wl,-rpath,/usr/local/lib'])),
  ],
  [
    'a library that nobody expects',
    'elf.libraries',
    /needs libresolv\.so\.2/,
    () => factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS, ['-lmicrohttpd', '-Wl,--no-as-needed', '-lresolv'])),
  ],
  [
    'no PIE',
    'elf.pie',
    /not position-independent/,
    () => factsOf(compileElf(GOOD_PROGRAM, [...without('-fPIE', '-pie'), '-fno-pie', '-no-pie'])),
  ],
  [
    'lazy binding',
    'elf.relro',
    /RELRO is partial/,
    () => factsOf(compileElf(GOOD_PROGRAM, [...without('-Wl,-z,now'), '-Wl,-z,lazy'])),
  ],
  [
    'no RELRO',
    'elf.relro',
    /no RELRO segment/,
    () =>
      factsOf(
        compileElf(GOOD_PROGRAM, [...without('-Wl,-z,relro', '-Wl,-z,now'), '-Wl,-z,norelro', '-Wl,-z,lazy']),
      ),
  ],
  [
    'no stack protector',
    'elf.stack',
    /no stack protector/,
    () => factsOf(compileElf(GOOD_PROGRAM, [...without('-fstack-protector-strong'), '-fno-stack-protector'])),
  ],
  [
    'an executable stack',
    'elf.stack',
    /executable stack/,
    () => factsOf(compileElf(GOOD_PROGRAM, [...without('-Wl,-z,noexecstack'), '-Wl,-z,execstack'])),
  ],
  [
    'no FORTIFY',
    'elf.fortify',
    /no fortified call/,
    () => factsOf(compileElf(GOOD_PROGRAM, without('-D_FORTIFY_SOURCE=2'))),
  ],
  [
    'symbols of another build',
    'elf.debug-symbols',
    /no symbols/,
    () => factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), { inspected: { debugIds: '00ff\n' } }),
  ],
];

describe('a program with libraries linked in', () => {
  // Whose own calls are fortified and protected, whatever coturn's sources are compiled with.
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
      message: 'there is no coturn-dbgsym beside it',
    });
    expect(find({ inspected: { debugIds: 'abc\n' } })?.status).toBe('failed');
  });

  it('has the options that are read out of its program', () => {
    const result = given({ options: new Set() }).find(({ id }) => id === 'elf.options');
    expect(result).toMatchObject({ status: 'passed', message: '2 options, read out of the program' });
  });
});
