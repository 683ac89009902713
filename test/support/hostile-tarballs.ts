import { entry, file, folder, gnuLong, type HeaderFields, header, link, pax, tarOf } from './tar-builder.ts';

export interface HostileTarball {
  what: string;
  tar: Buffer;
  /** Part of the message: the reason must be the right one, not just any. */
  says: string;
  code?: string;
}

const unsafe = (what: string, says: string, ...parts: Buffer[]): HostileTarball => ({
  what,
  says,
  tar: tarOf(...parts),
});
const named = (
  what: string,
  name: string | Buffer,
  says: string,
  fields: HeaderFields = {},
): HostileTarball => unsafe(what, says, entry({ name, ...fields }, 'x'));
const END = Buffer.alloc(1024);
const PARTS = 'has "..", "." or an empty path component';
const INVISIBLE = 'control or invisible';
const TWICE_EACH = 'on some file systems';

const names = (victim: string): HostileTarball[] => [
  named('../ at the start', '../victim', PARTS),
  named('../ beneath the top-level folder', 'coturn/../../victim', PARTS),
  named('../ at the end', 'coturn/src/..', PARTS),
  named('. in the middle', 'coturn/./file', PARTS),
  named('an empty path component', 'coturn//file', PARTS),
  unsafe('./ twice', 'occurs twice', folder('.'), folder('.')),
  named('a file called ./', './', 'is a file whose name ends with "/"'),
  named('a file called .', '.', 'but is not a folder'),
  named('./ with an extra slash', './/', PARTS, { type: '5', size: 0 }),
  named('./ before an absolute path', './/etc/passwd', PARTS),
  named('./ twice in a name', '././coturn/a', PARTS),
  named('./ before ../', './../victim', PARTS),
  named('an empty name', '', 'has no name'),
  named('an absolute path', victim, 'is absolute'),
  named('an absolute path with a doubled slash', `/${victim}`, 'is absolute'),
  named('a drive letter', 'C:/windows/victim', 'absolute on Windows'),
  named('backslashes', 'coturn\\..\\..\\victim', 'backslash'),
  named('a NUL followed by more text', Buffer.from('coturn/file\0/../../victim'), 'NUL'),
  named('a newline', 'coturn/a\nb', INVISIBLE),
  named('an escape sequence', 'coturn/\x1b[2Ka', INVISIBLE),
  named('a C1 control character', 'coturn/a\u0085b', INVISIBLE),
  named('a right-to-left override', 'coturn/a\u202ec.txt', INVISIBLE),
  named('a zero-width space', 'coturn/a\u200bb', INVISIBLE),
  named('invalid UTF-8', Buffer.from([...Buffer.from('coturn/'), 0xc0, 0xae]), 'not UTF-8'),
  named('a prefix with ../', 'victim', PARTS, { prefix: 'coturn/../..' }),
  unsafe(
    'a path component of 256 bytes',
    'a path component that is too long',
    pax([['path', `coturn/${'n'.repeat(256)}`]]),
    file('coturn/n'),
  ),
  unsafe(
    'a path of 1,030 bytes',
    'has a name that is too long',
    pax([['path', `coturn/${'n/'.repeat(511)}x`]]),
    file('coturn/n'),
  ),
];

const kinds = (victim: string): HostileTarball[] => [
  unsafe('a hard link', 'a hard link', entry({ name: 'coturn/h', type: '1', target: 'coturn/file' })),
  unsafe(
    'a hard link to a file outside the tree',
    'a hard link',
    entry({ name: 'coturn/h', type: '1', target: victim }),
  ),
  unsafe('a character device', 'a character device', entry({ name: 'coturn/null', type: '3' })),
  unsafe('a block device', 'a block device', entry({ name: 'coturn/sda', type: '4' })),
  unsafe('a FIFO', 'a FIFO', entry({ name: 'coturn/pipe', type: '6' })),
  unsafe('a contiguous file', 'a contiguous file', entry({ name: 'coturn/c', type: '7' }, 'x')),
  unsafe('a GNU sparse file', 'a sparse file', entry({ name: 'coturn/s', type: 'S', magic: 'gnu' }, 'x')),
  unsafe('a GNU dump directory', 'unknown type', entry({ name: 'coturn/d', type: 'D', magic: 'gnu' }, 'x')),
  unsafe('an unknown type', 'unknown type', entry({ name: 'coturn/z', type: 'Z' })),
  named('setuid', 'coturn/su', 'setuid', { mode: 0o4755 }),
  named('setgid', 'coturn/sg', 'setuid, setgid', { mode: 0o2755 }),
  named('sticky', 'coturn/st', 'sticky', { mode: 0o1644 }),
  unsafe('a folder with content', 'has content', entry({ name: 'coturn/d/', type: '5' }, 'x')),
  unsafe('a link with content', 'has content', entry({ name: 'coturn/l', type: '2', target: 'a' }, 'x')),
  named('a file with a link target', 'coturn/f', 'has a link target', { target: victim }),
  named('a file name that ends with a slash', 'coturn/f/', 'name ends with "/"'),
];

const links = (victim: string): HostileTarball[] => [
  unsafe('a link to an absolute path', 'points to', link('coturn/l', victim)),
  unsafe('a link out of the tree', 'points outside the tree', link('coturn/a/l', '../../victim')),
  unsafe(
    'a link that leaves the tree and returns to it',
    'points outside the tree',
    link('coturn/l', '../coturn/file'),
    file('coturn/file'),
  ),
  unsafe('a link without a target', 'points to ""', link('coturn/l', '')),
  unsafe('a link with a backslash', 'backslash', link('coturn/l', '..\\victim')),
  unsafe(
    'a chain of links that leaves the tree',
    'points outside the tree',
    link('coturn/a/b/up', '..'),
    link('coturn/a/up', 'b/up/..'),
    link('coturn/out', 'a/up/../victim'),
  ),
  unsafe(
    'two links that point to each other',
    'is part of a link cycle',
    link('coturn/a', 'b'),
    link('coturn/b', 'a'),
  ),
  unsafe('a link to itself', 'is part of a link cycle', link('coturn/a', 'a/b')),
  unsafe(
    'a file below a link',
    'is both a symlink and a directory',
    link('coturn/d', 'src'),
    file('coturn/d/victim'),
  ),
  unsafe(
    'a link in place of a folder with files',
    'is both a directory and a symlink',
    file('coturn/d/victim'),
    link('coturn/d', 'src'),
  ),
];

const collisions = (): HostileTarball[] => [
  unsafe('the same file twice', 'occurs twice', file('coturn/a', '1'), file('coturn/a', '2')),
  unsafe('the same folder twice', 'occurs twice', folder('coturn/a'), folder('coturn/a')),
  unsafe('the top-level folder twice', 'occurs twice', folder('coturn')),
  unsafe('a file used as a folder', 'is both a file and a directory', file('coturn/a'), file('coturn/a/b')),
  unsafe('a folder, then a file', 'occurs twice', folder('coturn/a'), file('coturn/a')),
  unsafe('names that differ in case', TWICE_EACH, file('coturn/Makefile'), file('coturn/makefile')),
  unsafe('folders that differ in case', TWICE_EACH, file('coturn/Src/a'), file('coturn/src/b')),
  unsafe(
    'names that differ in Unicode composition',
    TWICE_EACH,
    file('coturn/\u00e9'),
    file('coturn/e\u0301'),
  ),
  unsafe('names that differ in a ligature', TWICE_EACH, file('coturn/\ufb01le'), file('coturn/file')),
  unsafe('a sharp s and its capital form', TWICE_EACH, file('coturn/stra\u00dfe'), file('coturn/STRASSE')),
  unsafe('a Kelvin sign and the letter k', TWICE_EACH, file('coturn/\u212a'), file('coturn/k')),
  {
    ...unsafe(
      'two top-level folders',
      '2 files or folders at its top level (coturn, other)',
      file('other/file'),
    ),
    code: 'SOURCE_LAYOUT',
  },
  {
    what: 'a file instead of a folder',
    says: 'but is not a folder',
    tar: Buffer.concat([file('coturn'), END]),
  },
];

const overrides = (victim: string): HostileTarball[] => [
  unsafe('a pax path with ../', PARTS, pax([['path', 'coturn/../../victim']]), file('coturn/a')),
  unsafe('an absolute pax path', 'is absolute', pax([['path', victim]]), file('coturn/a')),
  unsafe('a pax path with a NUL', INVISIBLE, pax([['path', 'coturn/a\0b']]), file('coturn/a')),
  unsafe(
    'a pax linkpath with ../',
    'outside the tree',
    pax([['linkpath', '../victim']]),
    link('coturn/l', 'a'),
  ),
  unsafe('a pax linkpath on a file', 'has a link target', pax([['linkpath', 'a']]), file('coturn/f')),
  unsafe(
    'a conflicting pax size',
    'in one header and',
    pax([['size', '0']]),
    file('coturn/a', 'evil'.repeat(200)),
  ),
  unsafe(
    'two path records in one pax header',
    'has two path records',
    pax([
      ['path', 'coturn/a'],
      ['path', victim],
    ]),
    file('coturn/a'),
  ),
  unsafe('a global pax path', '"path" record', pax([['path', victim]], 'g'), file('coturn/a')),
  unsafe('a global pax size', '"size" record', pax([['size', '0']], 'g'), file('coturn/a')),
  unsafe(
    'a pax sparse file',
    '"GNU.sparse.name" record',
    pax([['GNU.sparse.name', victim]]),
    file('coturn/a'),
  ),
  unsafe(
    'a pax header with another character set',
    '"hdrcharset" record',
    pax([['hdrcharset', 'BINARY']]),
    file('coturn/a'),
  ),
  unsafe(
    'two pax headers',
    'second extended header',
    pax([['uid', '0']]),
    pax([['path', victim]]),
    file('coturn/a'),
  ),
  unsafe('a GNU long name with ../', PARTS, gnuLong('L', 'coturn/../../victim'), file('coturn/a')),
  unsafe('an absolute GNU long name', 'is absolute', gnuLong('L', victim), file('coturn/a')),
  unsafe('a GNU long name with a NUL', INVISIBLE, gnuLong('L', 'coturn/a\0../victim'), file('coturn/a')),
  unsafe('a GNU long link with ../', 'outside the tree', gnuLong('K', '../victim'), link('coturn/l', 'a')),
  unsafe(
    'two GNU long names',
    'second extended',
    gnuLong('L', 'coturn/a'),
    gnuLong('L', victim),
    file('coturn/a'),
  ),
  unsafe(
    'a pax path and a conflicting GNU long name',
    'second long name',
    pax([['path', 'coturn/a']]),
    gnuLong('L', victim),
    file('coturn/a'),
  ),
  unsafe('a pax header of 70 KB', 'too large an extended header', pax([['comment', 'c'.repeat(70_000)]])),
  unsafe('a file of 64 MiB and one byte', 'a file of more than', header({ size: 64 * 1024 * 1024 + 1 })),
];

const damaged = (): HostileTarball[] =>
  (
    [
      ['a wrong checksum', 'checksum', [entry({ name: 'coturn/a', checksumError: 1 }, 'x')]],
      ['a missing ustar magic', 'ustar', [entry({ name: 'coturn/a', magic: '\0\0\0\0\0\0\0\0' }, 'x')]],
      [
        'a size that is not a number',
        'number',
        [entry({ name: 'coturn/a', raw: [[124, '0000000009x\0']] }, 'x')],
      ],
      [
        'a binary size',
        'number',
        [entry({ name: 'coturn/a', raw: [[124, Buffer.from('8000000000000001', 'hex')]] })],
      ],
      ['data in the padding', 'padding', [header({ size: 1 }), Buffer.alloc(512, 'x')]],
      [
        'a single end-of-archive block before an entry',
        'end-of-archive block',
        [Buffer.alloc(512), file('coturn/a')],
      ],
      [
        'a second archive after the end',
        'data after the end of the archive',
        [file('coturn/a'), Buffer.alloc(1024), file('coturn/b')],
      ],
      [
        'a malformed pax record',
        'malformed',
        [entry({ name: 'p', type: 'x' }, '99 path=a\n'), file('coturn/a')],
      ],
      ['a pax header without an entry', 'without an entry', [pax([['path', 'coturn/a']])]],
      ['an empty top-level folder', 'it is empty', []],
    ] as const
  ).map(([what, says, parts]) => ({ what, says, code: 'SOURCE_ARCHIVE_CORRUPT', tar: tarOf(...parts) }));

/** Tarballs that must be refused. `victim` is an absolute path that some of them aim at. */
export function hostileTarballs(victim: string): HostileTarball[] {
  return [
    ...names(victim),
    ...kinds(victim),
    ...links(victim),
    ...collisions(),
    ...overrides(victim),
    ...damaged(),
  ];
}
