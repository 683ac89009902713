import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { file, folder, tarOf } from './tar-builder.ts';

export type ControlPacking = '' | '.gz' | '.xz' | '.zst';

const pack: Readonly<Record<ControlPacking, (tar: Buffer) => Buffer>> = {
  '': (tar) => tar,
  '.gz': (tar) => gzipSync(tar),
  '.xz': (tar) => execFileSync('xz', ['--stdout'], { input: tar }),
  '.zst': storedZstd,
};

/** A Debian package, deb(5), with a control file and the given data. */
export function debOf(
  control: string,
  { packing = '.gz', data = Buffer.from('data') }: { packing?: ControlPacking; data?: Buffer } = {},
): Buffer {
  const tar = tarOf(folder('.'), file('./md5sums', ''), file('./control', control));
  return arOf([
    ['debian-binary', Buffer.from('2.0\n')],
    [`control.tar${packing}`, pack[packing](tar)],
    ['data.tar.xz', data],
  ]);
}

/** An ar archive, as `ar rc` makes it with deterministic headers. */
export function arOf(members: readonly (readonly [name: string, content: Buffer])[]): Buffer {
  const parts = members.flatMap(([name, content]) => {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`;
    return [Buffer.from(header), content, Buffer.from(content.length % 2 === 1 ? '\n' : '')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

/** A zstd frame of stored blocks, RFC 8878, 3.1.1: Node 20 has no Zstandard support. */
export function storedZstd(content: Buffer): Buffer {
  const LIMIT = 128 * 1024;
  const blocks: Buffer[] = [];
  for (let at = 0; at < content.length; at += LIMIT) {
    const part = content.subarray(at, at + LIMIT);
    const last = at + LIMIT >= content.length ? 1 : 0;
    const header = Buffer.alloc(3);
    header.writeUIntLE((part.length << 3) | last, 0, 3);
    blocks.push(header, part);
  }
  // One segment, and its size in four bytes.
  const size = Buffer.alloc(4);
  size.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size, ...blocks]);
}
