import { readdirSync, readFileSync } from 'node:fs';
import { type ElfFile, type PackageFacts, parseFacts } from '../../src/checks/facts.ts';
import { firstWords } from '../../src/stages/shared/artifacts.ts';
import { packageFacts } from './package-facts.ts';
import { target } from './plan-facts.ts';
import { documentsOf } from './verified-facts.ts';

// Recorded facts of a verification of the portable package of coturn 4.6.1 on x86_64.
const folder = new URL('../fixtures/verified-portable/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, folder), 'utf8');

/** A program that requires one version of the C library. */
export const program = (version: string, id = 'aa'): ElfFile => ({
  path: '/usr/bin/turnserver',
  header: '',
  dynamic: ' 0x1 (NEEDED)  Shared library: [libc.so.6]',
  symbols: '',
  versions: `  0x0010:   Name: GLIBC_${version}  Flags: none  Version: 2\n`,
  segments: '',
  notes: `    Build ID: ${id}\n`,
});

/** Facts that pass every check of the format. */
export function portableFacts(): PackageFacts {
  return packageFacts({
    packageVersion: '4.6.1+turnbuild-1',
    target: target('portable'),
    inspected: {
      ...documentsOf(folder),
      contents: read('inspect/contents.txt'),
      unit: read('inspect/coturn.service'),
      configuration: read('inspect/turnserver.conf'),
      rpmlint: read('inspect/rpmlint.txt'),
      rpmlintExit: read('inspect/rpmlint-exit.txt'),
      requires: read('inspect/requires.txt'),
    },
    elf: [program('2.34')],
    tarballElf: [{ ...program('2.34'), path: '/bin/turnserver' }],
    hasMicrohttpd: true,
    options: new Set(firstWords(read('options.txt'))),
    values: parseFacts(read('verify/facts.txt')),
    files: new Map(readdirSync(new URL('verify/', folder)).map((name) => [name, read(`verify/${name}`)])),
  });
}
