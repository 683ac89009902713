import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { messageOf, TurnbuildError } from '../../src/errors.ts';
import { type Exec, runProcess } from '../../src/io/exec.ts';
import { withUnpacked } from '../../src/io/unpacked-file.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

let dir: string;
let temporary: string;
beforeEach(() => {
  dir = temporaryFolder();
  temporary = temporaryFolder();
  vi.stubEnv('TMPDIR', temporary);
});
afterEach(() => {
  vi.unstubAllEnvs();
  expect(readdirSync(temporary)).toEqual([]);
});

const MIB = 1024 * 1024;
const pack = (format: 'xz' | 'zstd', content: Buffer) => execFileSync(format, ['-c'], { input: content });
const repeated = (bytes: Buffer, count: number) => Buffer.concat(Array.from({ length: count }, () => bytes));
/** A Zstandard frame with this many blocks, RFC 8878, 3.1.1. Each repeats one byte `size` times. */
function frameOf(blocks: number, size: number): Buffer {
  const block = Buffer.from([0, 0, 0, 0]);
  block.writeUIntLE((size << 3) | (1 << 1), 0, 3);
  const last = Buffer.from([1, 0, 0]);
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), repeated(block, blocks), last]);
}

describe.each(['xz', 'zstd'] as const)('%s', (format) => {
  test('unpacks bytes, a file and the target of a link', async () => {
    const content = Buffer.from('some text\n'.repeat(10_000));
    writeFileSync(join(dir, 'file'), pack(format, content));
    symlinkSync('file', join(dir, 'link'));
    for (const source of [pack(format, content), join(dir, 'file'), join(dir, 'link')]) {
      const options = { format, exec: runProcess, maxBytes: content.length };
      const found = await withUnpacked(source, options, async (path) => readFileSync(path));
      expect(found.equals(content)).toBe(true);
    }
    expect(readdirSync(dir)).toEqual(['file', 'link']);
  });

  test('reports damage with the path that the user knows', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, pack(format, Buffer.from('text')).subarray(0, -3));
    const options = { format, exec: runProcess, maxBytes: 100 };
    const error = await withUnpacked(file, options, async () => {}).catch((thrown: unknown) => thrown);
    expect(error).not.toBeInstanceOf(TurnbuildError);
    expect(messageOf(error)).toMatch(new RegExp(`^${format} failed: .*${file}`));
    expect(messageOf(error)).toMatch(/(unexpected|premature) end/i);
  });

  test('is stopped at the size limit when unpacking 2 GiB of zeros', async () => {
    const bomb =
      format === 'xz' ? repeated(pack('xz', Buffer.alloc(16 * MIB)), 128) : frameOf(16_384, 131_072);
    const ends: unknown[] = [];
    const exec: Exec = (...call) =>
      runProcess(...call).then(
        (result) => {
          ends.push(result.code);
          return result;
        },
        (error: TurnbuildError) => {
          ends.push(error.code);
          throw error;
        },
      );
    const error = await errorOf(withUnpacked(bomb, { format, exec, maxBytes: MIB }, async () => {}));
    expect(error.code).toBe('SOURCE_ARCHIVE_UNSAFE');
    expect(error.message).toContain('its content unpacks to more than 1048576 bytes');
    expect(ends).toEqual(['INTERRUPTED']);
  });

  test('is not started for a file above the size limit', async () => {
    const exec: Exec = () => Promise.reject(new Error('was started'));
    const error = await errorOf(
      withUnpacked(Buffer.alloc(101), { format, exec, maxBytes: 100 }, async () => {}),
    );
    expect(error.message).toContain('its content has more than 100 bytes');
  });

  test('reports a full disk, which is no damage of the file', async () => {
    const exec: Exec = async () => ({
      ...{ code: 1, stdout: '' },
      stderr: `${format}: content: Write error: No space left on device`,
    });
    const error = await errorOf(
      withUnpacked(Buffer.alloc(1), { format, exec, maxBytes: 100 }, async () => {}),
    );
    expect(error.code).toBe('DISK_FULL');
    expect(error.message).toContain(temporary);
  });

  test('is reported if it is not installed', async () => {
    const exec: Exec = async () => ({ code: 127, stdout: '', stderr: '' });
    const error = await errorOf(
      withUnpacked(Buffer.alloc(1), { format, exec, maxBytes: 100 }, async () => {}),
    );
    expect(error.code).toBe(`${format.toUpperCase()}_MISSING`);
    expect(error.message).toBe(`its content is compressed with ${format}, which is not installed`);
    expect(error.hint).toMatch(/^Install it: apt-get install (xz-utils|zstd)$/);
  });
});

test('Zstandard data with millions of blocks of zero or one byte is unpacked', async () => {
  for (const size of [0, 1]) {
    const options = { format: 'zstd', exec: runProcess, maxBytes: 16 * MIB } as const;
    const found = await withUnpacked(frameOf(4_000_000, size), options, async (path) => readFileSync(path));
    expect(found).toHaveLength(4_000_000 * size);
  }
});

/** The start of an .xz file, and the header of a block with a dictionary of 4 GiB (xz-file-format, 2.1.1 and 3.1). */
function greedyXz(): Buffer {
  const header = Buffer.from('0200210128000000', 'hex');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(header));
  return Buffer.concat([Buffer.from('fd377a585a0000016922de36', 'hex'), header, checksum]);
}

test.each([
  ['xz', greedyXz(), 'Memory usage limit'],
  ['zstd', Buffer.from('28b52ffd00a8010000', 'hex'), 'too much memory'],
] as const)('%s data that requires gigabytes of memory is refused', async (format, bytes, why) => {
  const options = { format, exec: runProcess, maxBytes: MIB };
  const error = await withUnpacked(bytes, options, async () => {}).catch((thrown: unknown) => thrown);
  expect(messageOf(error)).toContain(why);
});
