import type { Target } from '../recipe/schema.ts';
import { type Check, cannotHere, complaints, fail, pass, type Verdict } from './check.ts';
import { dynamicComplaint, segmentsComplaint } from './elf-tables.ts';
import { buildIdOf, type ElfFile, neededBy, type PackageFacts } from './facts.ts';

const HARDENING = 'https://wiki.debian.org/Hardening';

const NO_SERVER = 'there is no /usr/bin/turnserver in the package';
const hasServer = (files: readonly ElfFile[]) => files.some(({ path }) => path === '/usr/bin/turnserver');

/** Complains about each ELF file for which `find` says something. A package without programs fails. */
function eachFile(facts: PackageFacts, find: (file: ElfFile) => string | undefined, good: string): Verdict {
  if (!hasServer(facts.elf)) return fail(NO_SERVER);
  const found = facts.elf.flatMap((file) => {
    const complaint = find(file);
    return complaint === undefined ? [] : [`${file.path} ${complaint}`];
  });
  return complaints(found, good, { files: facts.elf.length });
}

/** Rows of readelf's tables. The names of sections and libraries stand in other ones, and can be anything. */
const BINDS_NOW = /^ 0x\w+ \((?:BIND_NOW\)|FLAGS\) .*\bBIND_NOW\b|FLAGS_1\) +Flags:.*\bNOW\b)/m;
const STACK_RW = /^ +GNU_STACK +(?:0x\w+ +){5}RW +0x/;

/**
 * Versions of the C library that a program needs, e.g. `2.34`; also those that no symbol has, such as `ABI_DT_RELR`, which is none before
 * 2.36: the loader asks for these, too.
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

/** What is no number belongs to one that is not known here. */
const isNewer = (version: string, floor: string) =>
  !/^[\d.]+$/.test(version) || byVersion(version, floor) > 0;

/**
 * Symbols that coturn's own sources call. Where libraries are linked in, they call the same from within turnserver: then it is coturn's own
 * static library that tells how its sources are compiled.
 * @param symbols of turnserver
 */
const calledBySources = ({ target, inspected }: PackageFacts, symbols: string) =>
  target.staticLibraries === undefined ? symbols : (inspected.library ?? '');

/** Debug symbols have other names elsewhere. */
const symbolsPackage = ({ format }: Target) => (format === 'deb' ? 'coturn-dbgsym' : 'coturn-debuginfo');

export const elfChecks: Check[] = [
  {
    id: 'elf.architecture',
    title: "Every program is for the package's architecture",
    reason:
      "A cross build that fell back to the build machine's compiler makes a package that installs and cannot start.",
    judge: (facts) =>
      eachFile(
        facts,
        ({ header }) => {
          const machine = /Machine:\s+(.+)$/m.exec(header)?.[1]?.trim();
          return machine === facts.platform.elfMachine
            ? undefined
            : `is for ${machine ?? 'nothing known'}, not ${facts.platform.elfMachine}`;
        },
        `all for ${facts.platform.elfMachine}`,
      ),
  },
  {
    id: 'elf.libraries',
    title: 'Only the expected shared libraries are needed',
    reason: 'A library that came in by accident is one more thing to install, and to update for security.',
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
    title: 'No program has a library search path of its own',
    reason:
      "coturn's configure adds /usr/local/lib, where another user may put a library that every relay then loads.",
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
    title: 'Position-independent executables',
    reason:
      'Without it the kernel cannot randomise where the program lies, which makes memory errors easy to use.',
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
    title: 'Full RELRO: relocations are read-only before main()',
    reason: 'Writable function pointers are the first thing that an attacker overwrites.',
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
        'GNU_RELRO and BIND_NOW everywhere',
      ),
  },
  {
    id: 'elf.stack',
    title: 'Stack protector, and no executable stack',
    reason: 'Packets from strangers are parsed in C: an overflow must end the process, not run code.',
    reference: HARDENING,
    judge: (facts) =>
      eachFile(
        facts,
        (file) => {
          const { path, segments, symbols: own } = file;
          const unread = segmentsComplaint(file);
          if (unread !== undefined) return unread;
          const symbols = calledBySources(facts, own);
          // Without the header the kernel makes it executable.
          const stacks = segments.split('\n').filter((line) => /^ +GNU_STACK /.test(line));
          if (stacks.length === 0 || !stacks.every((line) => STACK_RW.test(line)))
            return 'has an executable stack';
          const server = path === '/usr/bin/turnserver';
          return server && !symbols.includes('__stack_chk_fail') ? 'has no stack protector' : undefined;
        },
        'stack protector on, stack not executable',
      ),
  },
  {
    id: 'elf.fortify',
    title: 'FORTIFY: the C library checks buffer sizes',
    reason:
      'turnserver copies strings and packets by the C library; _FORTIFY_SOURCE stops those that do not fit.',
    reference: HARDENING,
    judge: (facts) =>
      eachFile(
        facts,
        ({ path, symbols }) =>
          path === '/usr/bin/turnserver' &&
          !/ UND __\w+_chk(@|$| )/m.test(calledBySources(facts, symbols).replaceAll('__stack_chk_fail', ''))
            ? 'has no fortified call'
            : undefined,
        'turnserver calls the checking variants',
      ),
  },
  {
    id: 'elf.prometheus',
    title: 'turnserver has Prometheus compiled in',
    reason:
      "coturn's configure drops it with a mere warning, and a `prometheus` line is then ignored at run time.",
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
          return linked || shared ? undefined : 'has no Prometheus endpoint: it does not use libmicrohttpd';
        },
        'turnserver uses libmicrohttpd',
      ),
  },
  {
    id: 'elf.glibc',
    title: 'No program needs a newer C library than its target has',
    reason:
      'One symbol of a newer version is enough: the program does not start there, and the machine that built it never notices.',
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
        `the newest version needed is GLIBC_${newestGlibc(facts.elf)}, of at most GLIBC_${facts.target.glibc}`,
      ),
  },
  {
    id: 'elf.options',
    title: 'The option table in the program is the one of its source',
    reason:
      'The configuration is made for the options of the source; a program with others would ignore lines of it.',
    judge: ({ elf, built, options, programOptions }) => {
      if (!hasServer(elf)) return fail(NO_SERVER);
      if (programOptions.size === 0) return fail('no option table can be read out of /usr/bin/turnserver');
      const figures = { options: programOptions.size };
      if (!built) return pass(`${programOptions.size} options, read out of the program`, figures);
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
    title: 'Debug symbols for exactly these programs',
    reason: 'A core dump of a production relay can be read only with the symbols of its very build id.',
    judge: (facts) =>
      !facts.built && (facts.inspected.debugIds ?? '') === ''
        ? cannotHere(`there is no ${symbolsPackage(facts.target)} beside it`)
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
