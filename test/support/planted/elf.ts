import { elfChecks } from '../../../src/checks/elf-checks.ts';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { platformOf } from '../../../src/plan/platforms.ts';
import { buildIdOf, compileElf, GOOD_FLAGS, GOOD_PROGRAM, packageFacts } from '../package-facts.ts';

export const without = (...flags: string[]) => GOOD_FLAGS.filter((flag) => !flags.includes(flag));

export function failures(facts: PackageFacts): Record<string, string> {
  const results = judgeAll(elfChecks, facts).filter((result) => result.status === 'failed');
  return Object.fromEntries(results.map((result) => [result.id, result.message]));
}

export function factsOf(
  file: ReturnType<typeof compileElf>,
  parts: Partial<PackageFacts> = {},
): PackageFacts {
  return packageFacts({ elf: [file], inspected: { debugIds: `${buildIdOf(file)}\n` }, ...parts });
}

/** The program with data in sections of these names, which readelf prints one after the other. */
const withSections = (...names: string[]) =>
  `${GOOD_PROGRAM}\n${names.map((name, i) => `__attribute__((section("${name}"), used)) int in_${i} = ${i + 1};`).join('\n')}\n`;

/** The planted fault, the compiled program, and the only check that must fail. */
export const PLANTED: [string, string, RegExp, () => PackageFacts][] = [
  [
    'a program that lacks an option of its source',
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
    'a program without a readable option table',
    'elf.options',
    /^\/usr\/bin\/turnserver has no readable option table$/,
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
    /\(expected (AArch64|Advanced Micro Devices X86-64)\)/,
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
    'an unexpected library',
    'elf.libraries',
    /needs libresolv\.so\.2/,
    () => factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS, ['-lmicrohttpd', '-Wl,--no-as-needed', '-lresolv'])),
  ],
  [
    'a program that is not position-independent',
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
    'a program without RELRO',
    'elf.relro',
    /no RELRO segment/,
    () =>
      factsOf(
        compileElf(GOOD_PROGRAM, [...without('-Wl,-z,relro', '-Wl,-z,now'), '-Wl,-z,norelro', '-Wl,-z,lazy']),
      ),
  ],
  [
    'lazy binding with a soname that contains BIND_NOW',
    'elf.relro',
    /RELRO is partial/,
    () =>
      factsOf(
        compileElf(GOOD_PROGRAM, [
          ...without('-Wl,-z,now'),
          '-Wl,-z,lazy',
          '-Wl,-soname,BIND_NOW',
          '-Wl,-soname,(BIND_NOW)',
        ]),
      ),
  ],
  [
    'a program without RELRO that has a section named GNU_RELRO',
    'elf.relro',
    /no RELRO segment/,
    () =>
      factsOf(
        compileElf(withSections('GNU_RELRO'), [
          ...without('-Wl,-z,relro', '-Wl,-z,now'),
          '-Wl,-z,norelro',
          '-Wl,-z,lazy',
        ]),
      ),
  ],
  [
    'a program without a stack protector',
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
    'an executable stack with sections named GNU_STACK and RW',
    'elf.stack',
    /executable stack/,
    () =>
      factsOf(
        compileElf(withSections('GNU_STACK', 'RW', 'xx'), [
          ...without('-Wl,-z,noexecstack'),
          '-Wl,-z,execstack',
        ]),
      ),
  ],
  [
    'a program without fortified calls',
    'elf.fortify',
    /no fortified call/,
    () => factsOf(compileElf(GOOD_PROGRAM, without('-D_FORTIFY_SOURCE=2'))),
  ],
  [
    'debug symbols of another build',
    'elf.debug-symbols',
    /no symbols/,
    () => factsOf(compileElf(GOOD_PROGRAM, GOOD_FLAGS), { inspected: { debugIds: '00ff\n' } }),
  ],
];
