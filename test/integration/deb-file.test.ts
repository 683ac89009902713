import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readDebControl } from '../../src/io/deb-file.ts';
import { runProcess } from '../../src/io/exec.ts';
import { arOf, type ControlPacking, debOf } from '../support/deb-builder.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';
import { file, tarOf } from '../support/tar-builder.ts';

const CONTROL = `Package: coturn
Version: 4.6.1-1
Architecture: amd64
Depends: libc6 (>= 2.34),
 libevent-core-2.1-7
Description: TURN server
 for everybody
`;

function write(bytes: Buffer): string {
  const path = join(temporaryFolder(), 'coturn.deb');
  writeFileSync(path, bytes);
  return path;
}
/** A Zstandard frame with this many RLE blocks of 128 KiB (RFC 8878, 3.1.1.2). @param content size in bytes in its header */
function frameOf(blocks: number, content?: number): Buffer {
  const header = content === undefined ? Buffer.from([0x00, 0x38]) : Buffer.alloc(9, 0xe0);
  if (content !== undefined) header.writeBigUInt64LE(BigInt(content), 1);
  const block = (last: number) => {
    const bytes = Buffer.from([0, 0, 0, 0x61]);
    bytes.writeUIntLE((131_072 << 3) | (1 << 1) | last, 0, 3);
    return bytes;
  };
  const all = Array.from({ length: blocks }, (_, index) => block(index === blocks - 1 ? 1 : 0));
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), header, ...all]);
}
/** A frame of one empty block with a window of 2 MiB. */
const EMPTY_FRAME = Buffer.from('28b52ffd0058010000', 'hex');
/** A package with a control.tar.zst of these frames. */
const debOfFrames = (...frames: Buffer[]) =>
  arOf([
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.zst', Buffer.concat(frames)],
    ['data.tar', Buffer.from('x')],
  ]);
/** dpkg refuses all of these except control characters. */
const BROKEN_CONTROL: [string, string, RegExp][] = [
  [
    'an escape sequence in a line without a colon',
    CONTROL.replace('Version: 4.6.1-1\n', 'Version: 4.6.1-1\r\n\u001b[31mVersion\n'),
    /line 3 of its control file, ".\[31mVersion", is not a field$/,
  ],
  ['a line of 300 letters without a colon', `${CONTROL}${'x'.repeat(300)}\n`, /"x{100}…", is not a field$/],
  [
    'carriage returns',
    CONTROL.replaceAll('\n', '\r\n'),
    /line 1 of its control file has a control character$/,
  ],
  ['a bell', `${CONTROL}X-Ring: a\u0007\n`, /line 8 of its control file has a control character$/],
  ['a zero byte', `${CONTROL} a\0b\n`, /line 8 of its control file has a control character$/],
  ['a C1 control character', `${CONTROL} a\u009bb\n`, /line 8 of its control file has a control character$/],
  ['a duplicate field', `${CONTROL}Version: 6.6.6\n`, /more than one Version$/],
  ['a duplicate field in another case', `${CONTROL}version: 6.6.6\n`, /more than one version$/],
  ['a second paragraph', `${CONTROL}\nSection: net\n`, /more than one paragraph$/],
  [
    'a continuation line before the first field',
    ` x\n${CONTROL}`,
    /line 1 of its control file, " x", is not a field$/,
  ],
  [
    'a field name that begins with a hyphen',
    `${CONTROL}-x: y\n`,
    /line 8 of its control file, "-x: y", is not/,
  ],
  ['a line of blanks', `${CONTROL} \t\n x\n`, /line 8 of its control file, " \t", is not a field$/],
];
const read = (bytes: Buffer) => readDebControl(write(bytes), runProcess);

describe('readDebControl', () => {
  test.each<ControlPacking>(['', '.gz', '.xz', '.zst'])('reads a control.tar%s', async (packing) => {
    const control = await read(debOf(CONTROL, { packing }));
    expect(control).toEqual({
      Package: 'coturn',
      Version: '4.6.1-1',
      Architecture: 'amd64',
      Depends: 'libc6 (>= 2.34), libevent-core-2.1-7',
      Description: 'TURN server for everybody',
    });
  });

  test('refuses a package with more than 100 members', async () => {
    const many = Array.from({ length: 98 }, (): [string, Buffer] => ['_x', Buffer.alloc(0)]);
    const packed = debOf(CONTROL, { packing: '' });
    expect(await read(Buffer.concat([packed, arOf(many.slice(1)).subarray(8)]))).toMatchObject({
      Package: 'coturn',
    });
    expect(await errorOf(read(Buffer.concat([packed, arOf(many).subarray(8)])))).toMatchObject({
      code: 'DEB_INVALID',
      message: expect.stringContaining('more than 100 members'),
    });
  });

  test('accepts tabs, and empty lines before and after the fields, like dpkg', async () => {
    const text = `\n${CONTROL.replace('Version: ', 'Version:\t')}\n\n`;
    expect(await read(debOf(text))).toMatchObject({ Package: 'coturn', Version: '4.6.1-1' });
  });

  test('reads a package built by dpkg-deb', async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'tree/DEBIAN'), { recursive: true });
    writeFileSync(
      join(dir, 'tree/DEBIAN/control'),
      `${CONTROL.replace('TURN server\n', 'TURN server\n')}Maintainer: a <a@example.org>\n`,
    );
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', join(dir, 'tree'), join(dir, 'made.deb')]);
    expect((await readDebControl(join(dir, 'made.deb'), runProcess)).Version).toBe('4.6.1-1');
  });

  const deb = debOf(CONTROL);
  test.each<[string, Buffer, RegExp]>([
    ['an empty file', Buffer.alloc(0), /it is not an ar archive/],
    ['a text file', Buffer.from('hello, world\n'), /it is not an ar archive/],
    ['an .rpm', Buffer.from('edabeedb03000000', 'hex'), /it is an \.rpm/],
    ['a tarball', Buffer.from('1f8b080000000000', 'hex'), /it is a compressed file/],
    ['a program', Buffer.from('7f454c4602010100', 'hex'), /it is a program/],
    ['a truncated package', deb.subarray(0, deb.length - 3), /it is truncated/],
    ['a package truncated after its control file', deb.subarray(0, deb.length - 64), /no data\.tar/],
    ['a member without a header', Buffer.concat([deb, Buffer.from('noise')]), /an invalid header/],
    ['another ar archive', arOf([['object.o', Buffer.from('x')]]), /no debian-binary/],
    [
      'a damaged control.tar.gz',
      arOf([
        ['debian-binary', Buffer.from('2.0\n')],
        ['control.tar.gz', Buffer.from('no gzip')],
        ['data.tar', Buffer.from('x')],
      ]),
      /header check/,
    ],
    [
      'a control.tar.gz of 17 KB that unpacks to 17 MB',
      arOf([
        ['debian-binary', Buffer.from('2.0\n')],
        ['control.tar.gz', gzipSync(Buffer.alloc(17 * 2 ** 20))],
        ['data.tar', Buffer.from('x')],
      ]),
      /is not a valid Debian package: its control files unpack to more than 16 MiB$/,
    ],
    [
      'an unknown compression format',
      arOf([
        ['debian-binary', Buffer.from('2.0\n')],
        ['control.tar.lzx', Buffer.from('x')],
        ['data.tar', Buffer.from('x')],
      ]),
      /has an unknown compression format/,
    ],
    [
      'a control.tar.zst of 49 KB that unpacks to 1.6 GB',
      debOfFrames(frameOf(12_500)),
      /unpacks to more than \d+ bytes/,
    ],
    [
      'a control.tar.zst of 1,000 frames, each of them within the limit',
      debOfFrames(...Array.from({ length: 1000 }, () => frameOf(2))),
      /unpacks to more than \d+ bytes/,
    ],
    [
      'a control.tar.zst that requires 3 GB of memory',
      debOfFrames(frameOf(1, 3 * 2 ** 30)),
      /too much memory/,
    ],
    [
      'a control.tar.zst whose second frame requires 3 GB of memory',
      debOfFrames(frameOf(1), frameOf(1, 3 * 2 ** 30)),
      /too much memory/,
    ],
    [
      'a control.tar.zst of 20,000 empty frames with a window of 2 MB each',
      debOfFrames(...Array.from({ length: 20_000 }, () => EMPTY_FRAME)),
      /the archive is truncated/,
    ],
    ['a truncated control.tar.zst', debOfFrames(frameOf(2).subarray(0, -4)), /premature end/],
    [
      'a control.tar.zst with trailing data',
      debOfFrames(frameOf(1), Buffer.from('noise')),
      /unsupported format/,
    ],
    [
      'a version with a path traversal',
      debOf(CONTROL.replace('4.6.1-1', '1/../../../4.6.1/x')),
      /its Version .* is invalid/,
    ],
    [
      'a version with an escape sequence',
      debOf(CONTROL.replace('4.6.1-1', '4.6.1\u001b[2J')),
      /its Version .* is invalid/,
    ],
    ['a version of two lines', debOf(CONTROL.replace('4.6.1-1', '4.6.1\n -1')), /its Version .* is invalid/],
    [
      'a name that is a path',
      debOf(CONTROL.replace('Package: coturn', 'Package: ../coturn')),
      /its Package .* is invalid/,
    ],
    [
      'an invalid architecture',
      debOf(CONTROL.replace('amd64', 'amd64/..')),
      /its Architecture .* is invalid/,
    ],
    [
      'a version of 300 characters',
      debOf(CONTROL.replace('4.6.1-1', `4.${'6'.repeat(300)}`)),
      /its Version .* is invalid/,
    ],
    [
      'a version that would take quadratic time to match',
      debOf(CONTROL.replace('4.6.1-1', `1-${'-a'.repeat(500_000)}!`)),
      /its Version "1-(-a){49}…" is invalid$/,
    ],
    [
      'a field that would take quadratic time to match',
      debOf(`Package:${' '.repeat(500_000)}x\ry\n${CONTROL}`.replace('Package: coturn\n', '')),
      /its Package "x\ry" is invalid$/,
    ],
    ...['././control', './/control', '/control', 'x/../control'].map((name): [string, Buffer, RegExp] => [
      `two control files, of which dpkg uses the last: ${name}`,
      arOf([
        ['debian-binary', Buffer.from('2.0\n')],
        ['control.tar', tarOf(file('./control', CONTROL), file(name, CONTROL.replace('4.6.1-1', '6.6.6')))],
        ['data.tar', Buffer.from('x')],
      ]),
      /more than one control file/,
    ]),
    ...BROKEN_CONTROL.map(([what, control, message]): [string, Buffer, RegExp] => [
      `a control file with ${what}`,
      debOf(control),
      message,
    ]),
    ['a control file without a version', debOf('Package: coturn\nArchitecture: amd64\n'), /no Version/],
  ])('refuses %s', async (_, bytes, message) => {
    const error = await errorOf(read(bytes));
    expect(error.code).toBe('DEB_INVALID');
    expect(error.message).toMatch(message);
    expect(error.hint).toBeDefined();
  });

  test('reports a missing file, and a folder instead of a file', async () => {
    const dir = temporaryFolder();
    expect((await errorOf(readDebControl(join(dir, 'no.deb'), runProcess))).code).toBe('DEB_NOT_FOUND');
    expect((await errorOf(readDebControl(dir, runProcess))).message).toMatch(/it is not a regular file/);
  });
});
