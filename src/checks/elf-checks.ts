import type { Target } from '../recipe/schema.ts';
import { type Check, cannotHere, complaints, fail, pass, type Verdict } from './check.ts';
import { dynamicComplaint, segmentsComplaint } from './elf-tables.ts';
import { buildIdOf, type ElfFile, neededBy, type PackageFacts } from './facts.ts';

const HARDENING = 'https://wiki.debian.org/Hardening';

const NO_SERVER = 'the package has no /usr/bin/turnserver';
const hasServer = (files: readonly ElfFile[]) => files.some(({ path }) => path === '/usr/bin/turnserver');

/** Lists the complaint of `find` about each ELF file. A package without programs fails. */
function eachFile(facts: PackageFacts, find: (file: ElfFile) => string | undefined, good: string): Verdict {
  if (!hasServer(facts.elf)) return fail(NO_SERVER);
  const found = facts.elf.flatMap((file) => {
    const complaint = find(file);
    return complaint === undefined ? [] : [`${file.path} ${complaint}`];
  });
  return complaints(found, good, { files: facts.elf.length });
}

/** Rows of readelf's tables. Section and library names are in other tables and can be anything. */
const BINDS_NOW = /^ 0x\w+ \((?:BIND_NOW\)|FLAGS\) .*\bBIND_NOW\b|FLAGS_1\) +Flags:.*\bNOW\b)/m;
const STACK_RW = /^ +GNU_STACK +(?:0x\w+ +){5}RW +0x/;

/**
 * Versions of the C library that a program needs, e.g. `2.34`. They include versions without symbols, such as `ABI_DT_RELR` (new in 2.36),
 * because the loader requires these, too.
 */
function glibcVersions({ versions }: ElfFile): string[] {
  const found = [...versions.matchAll(/ Name: GLIBC_(\S+) /g)].map(([, version]) => version ?? '');
  return [...new Set(found)].sort(byVersion);
}

function newestGlibc(elf: readonly ElfFile[]): string {
  return elf.flatMap(glibcVersions).sort(byVersion).at(-1) ?? 'none';
}

function byVersion(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** A version that isn't a number is treated as newer than any known one. */
const isNewer = (version: string, floor: string) =>
  !/^[\d.]+$/.test(version) || byVersion(version, floor) > 0;

/**
 * Symbols that coturn's own sources call. Statically linked libraries call the same symbols from within turnserver; in that case coturn's own
 * static library shows how its sources are compiled.
 * @param symbols of turnserver
 */
const calledBySources = ({ target, inspected }: PackageFacts, symbols: string) =>
  target.staticLibraries === undefined ? symbols : (inspected.library ?? '');

/** The name of the debug symbol package depends on the format. */
const symbolsPackage = ({ format }: Target) => (format === 'deb' ? 'coturn-dbgsym' : 'coturn-debuginfo');

export const elfChecks: Check[] = [
  {
    id: 'elf.architecture',
    title: "Every program matches the package's architecture",
    reason:
      'A cross build that falls back to the native compiler produces a package that installs but cannot start.',
    judge: (facts) =>
      eachFile(
        facts,
        ({ header }) => {
          const machine = /Machine:\s+(.+)$/m.exec(header)?.[1]?.trim();
          return machine === facts.platform.elfMachine
            ? undefined
            : `is built for ${machine ?? 'an unknown machine'} (expected ${facts.platform.elfMachine})`;
        },
        `all built for ${facts.platform.elfMachine}`,
      ),
  },
  {
    id: 'elf.libraries',
    title: 'Programs depend only on the expected shared libraries',
    reason: 'Every unexpected library is another dependency to install and patch.',
    judge: (facts) =>
      eachFile(
        facts,
        (file) => {
          const unread = dynamicComplaint(file);
          if (unread !== undefined) return unread;
          const strange = neededBy(file).filter(
            (name) => !facts.target.allowedLibraries.some((prefix) => name.startsWith(prefix)),
          );
          return strange.length === 0 ? undefined : `needs ${strange.join(', ')}`;
        },
        `needed: ${[...new Set(facts.elf.flatMap(neededBy))].sort().join(', ')}`,
      ),
  },
  {
    id: 'elf.rpath',
    title: 'Programs have no library search path (RPATH, RUNPATH)',
    reason: "coturn's configure adds /usr/local/lib; a library planted there would be loaded by every relay.",
    reference: 'https://wiki.debian.org/RpathIssue',
    judge: (facts) =>
      eachFile(
        facts,
        (file) => {
          const unread = dynamicComplaint(file);
          if (unread !== undefined) return unread;
          const path = /\((?:RPATH|RUNPATH)\).*\[(.+)\]/.exec(file.dynamic)?.[1];
          return path === undefined ? undefined : `has the search path ${path} (RPATH)`;
        },
        'no RPATH, no RUNPATH',
      ),
  },
  {
    id: 'elf.pie',
    title: 'Programs are position-independent (PIE)',
    reason: 'Without it the kernel cannot randomise addresses, which makes memory errors easier to exploit.',
    reference: HARDENING,
    judge: (facts) =>
      eachFile(
        facts,
        ({ header }) => (/Type:\s+DYN/.test(header) ? undefined : 'is not position-independent (PIE)'),
        'all PIE',
      ),
  },
  {
    id: 'elf.relro',
    title: 'Programs have full RELRO: relocations are read-only before main()',
    reason: 'Writable function pointers are a common target of exploits.',
    reference: HARDENING,
    judge: (facts) =>
      eachFile(
        facts,
        (file) => {
          const { segments, dynamic } = file;
          if (!/^ +GNU_RELRO +0x/m.test(segments)) return 'has no RELRO segment';
          const unread = dynamicComplaint(file);
          if (unread !== undefined) return unread;
          return BINDS_NOW.test(dynamic) ? undefined : 'binds lazily, so RELRO is partial';
        },
        'GNU_RELRO and BIND_NOW in every program',
      ),
  },
  {
    id: 'elf.stack',
    title: 'Programs have a stack protector and a non-executable stack',
    reason: 'C code parses untrusted packets: an overflow must abort the process, not run code.',
    reference: HARDENING,
    judge: (facts) =>
      eachFile(
        facts,
        (file) => {
          const { path, segments, symbols: own } = file;
          const unread = segmentsComplaint(file);
          if (unread !== undefined) return unread;
          const symbols = calledBySources(facts, own);
          // Without the header, the kernel makes the stack executable.
          const stacks = segments.split('\n').filter((line) => /^ +GNU_STACK /.test(line));
          if (stacks.length === 0 || !stacks.every((line) => STACK_RW.test(line)))
            return 'has an executable stack';
          const server = path === '/usr/bin/turnserver';
          return server && !symbols.includes('__stack_chk_fail') ? 'has no stack protector' : undefined;
        },
        'stack protector present, stack not executable',
      ),
  },
  {
    id: 'elf.fortify',
    title: 'turnserver is built with FORTIFY: the C library checks buffer sizes',
    reason:
      'turnserver copies strings and packets with C library functions; _FORTIFY_SOURCE aborts on overflows.',
    reference: HARDENING,
    judge: (facts) =>
      eachFile(
        facts,
        ({ path, symbols }) =>
          path === '/usr/bin/turnserver' &&
          !/ UND __\w+_chk(@|$| )/m.test(calledBySources(facts, symbols).replaceAll('__stack_chk_fail', ''))
            ? 'has no fortified calls'
            : undefined,
        'turnserver calls the fortified variants',
      ),
  },
  {
    id: 'elf.prometheus',
    title: 'turnserver is built with Prometheus support',
    reason:
      "coturn's configure drops it with only a warning, and turnserver then ignores `prometheus` at run time.",
    reference: 'https://github.com/coturn/coturn/issues/1133',
    judge: (facts) =>
      eachFile(
        facts,
        (file) => {
          const { path, symbols } = file;
          if (path !== '/usr/bin/turnserver') return undefined;
          const linked = facts.target.staticLibraries !== undefined && facts.hasMicrohttpd;
          const shared =
            / UND MHD_start_daemon/.test(symbols) &&
            neededBy(file).some((name) => name.startsWith('libmicrohttpd.'));
          return linked || shared
            ? undefined
            : 'has no Prometheus endpoint: it is not linked with libmicrohttpd';
        },
        'turnserver is linked with libmicrohttpd',
      ),
  },
  {
    id: 'elf.glibc',
    title: "Programs need no newer C library than the target's",
    reason:
      'A single newer symbol keeps the program from starting on the target, while it still runs on the build machine.',
    reference: 'https://sourceware.org/glibc/wiki/FAQ',
    applies: ({ glibc }) => glibc !== undefined,
    judge: (facts) =>
      eachFile(
        facts,
        (file) => {
          if (glibcVersions(file).length === 0) return 'has no readable C library version';
          const newer = glibcVersions(file).filter((version) => isNewer(version, facts.target.glibc ?? '0'));
          return newer.length === 0 ? undefined : `needs GLIBC_${newer.join(', GLIBC_')}`;
        },
        `the newest version needed is GLIBC_${newestGlibc(facts.elf)} (limit GLIBC_${facts.target.glibc})`,
      ),
  },
  {
    id: 'elf.options',
    title: "The program's option table matches its source",
    reason:
      'The shipped configuration uses the options of the source; a program with other options would ignore some lines.',
    judge: ({ elf, built, options, programOptions }) => {
      if (!hasServer(elf)) return fail(NO_SERVER);
      if (programOptions.size === 0) return fail('/usr/bin/turnserver has no readable option table');
      const figures = { options: programOptions.size };
      if (!built) return pass(`${programOptions.size} options, read from the program`, figures);
      const lacks = [...options].filter((name) => !programOptions.has(name));
      const more = [...programOptions].filter((name) => !options.has(name));
      return complaints(
        [
          ...(lacks.length === 0 ? [] : [`the program lacks ${lacks.join(', ')}`]),
          ...(more.length === 0 ? [] : [`the source lacks ${more.join(', ')}`]),
        ],
        `${programOptions.size} options`,
        figures,
      );
    },
  },
  {
    id: 'elf.debug-symbols',
    title: 'Debug symbols match these programs',
    reason: 'Reading a core dump of a production relay requires symbols with the same build id.',
    judge: (facts) =>
      !facts.built && (facts.inspected.debugIds ?? '') === ''
        ? cannotHere(`no ${symbolsPackage(facts.target)} was found beside the package`)
        : eachFile(
            facts,
            (file) => {
              const id = buildIdOf(file);
              if (id === undefined) return 'has no build id';
              return (facts.inspected.debugIds ?? '').split('\n').includes(id)
                ? undefined
                : `has no symbols in ${symbolsPackage(facts.target)}`;
            },
            `each build id is in ${symbolsPackage(facts.target)}`,
          ),
  },
];
