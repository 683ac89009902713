import { Decompress } from 'fzstd';

/** Compressed bytes that are passed on at once: what one piece unpacks to is in memory together. */
const PIECE = 64 * 1024;
/** Magic numbers of frames, and of those with the user's own data (16 of them), which decoders skip (RFC 8878, 3.1). */
const FRAME = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
/** How often the limit of the content all decoders of a file may set aside. */
const MOST_DECODERS = 16;
/** Blocks of this type store a single byte, whatever their size (RFC 8878, 3.1.1.2.2). */
const RLE_BLOCK = 1;

/**
 * Unpacks Zstandard: in pieces, because a few kilobytes of it can expand to gigabytes, and frame by frame, because each frame asks for
 * memory of its own.
 * @throws Error if it is damaged, or unpacks to more than `maxBytes`, or its decoders would need as much, or many times as much together
 */
export function* unzstd(content: Buffer, maxBytes: number): Generator<Buffer> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  const keep = (piece: Uint8Array) => {
    bytes += piece.length;
    if (bytes > maxBytes) throw new Error(`its content is larger than ${maxBytes} bytes`);
    pieces.push(Buffer.from(piece));
  };
  let asked = 0;
  for (const frame of framesOf(content)) {
    const window = windowOf(frame);
    // Frames of nothing cost time all the same: each has its decoder set memory aside.
    asked += Math.max(window, PIECE);
    if (window > maxBytes || asked > MOST_DECODERS * maxBytes)
      throw new Error('unpacking it asks for too much memory');
    const stream = new Decompress(keep);
    for (let at = 0; at < frame.length; at += PIECE) {
      stream.push(frame.subarray(at, at + PIECE), at + PIECE >= frame.length);
      yield* pieces;
      pieces = [];
    }
  }
}

function* framesOf(content: Buffer): Generator<Buffer> {
  let left = content;
  while (left.length > 0) {
    const magic = left.length < 8 ? 0 : left.readUInt32LE();
    const isSkippable = (magic & ~0xf) === SKIPPABLE;
    if (magic !== FRAME && !isSkippable) throw new Error('its Zstandard data is damaged');
    const size = isSkippable ? 8 + left.readUInt32LE(4) : frameBytes(left);
    if (size > left.length) throw new Error('its Zstandard data is cut off');
    if (!isSkippable) yield left.subarray(0, size);
    left = left.subarray(size);
  }
}

/** The size of the frame that some data begins with (RFC 8878, 3.1.1): its header, its blocks up to the last one, and a checksum. */
function frameBytes(frame: Buffer): number {
  const descriptor = frame[4] ?? 0;
  const hasChecksum = (descriptor & 4) !== 0;
  let at = headerBytes(descriptor);
  for (let isLast = false; !isLast; ) {
    if (at + 3 > frame.length) throw new Error('its Zstandard data is cut off');
    const header = frame.readUIntLE(at, 3);
    isLast = (header & 1) === 1;
    at += 3 + (((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3);
  }
  return at + (hasChecksum ? 4 : 0);
}

/** Magic number, descriptor, window, dictionary id and content size (RFC 8878, 3.1.1.1). */
function headerBytes(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (isSingle ? 0 : 1) + dictionaryBytes(descriptor) + sizeBytes;
}

const dictionaryBytes = (descriptor: number) => [0, 1, 2, 4][descriptor & 3] ?? 0;

/** Bytes that a decoder of a frame sets aside: the window's, or of a single segment the content's (RFC 8878, 3.1.1.1). */
function windowOf(frame: Buffer): number {
  const descriptor = frame[4] ?? 0;
  if ((descriptor & 0x20) === 0) {
    const window = frame[5] ?? 0;
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 7);
  }
  const at = 5 + dictionaryBytes(descriptor);
  const size = descriptor >> 6;
  const padded = Buffer.concat([frame.subarray(at, at + 8), Buffer.alloc(8)]);
  if (size === 0) return padded.readUInt8();
  if (size === 1) return padded.readUInt16LE() + 256;
  return size === 2 ? padded.readUInt32LE() : Number(padded.readBigUInt64LE());
}
