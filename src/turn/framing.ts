import { StunFormatError } from './message.ts';

/** Data on a channel, RFC 8656, 12.4. */
export interface ChannelData {
  /** 0x4000 to 0x4fff. */
  channel: number;
  data: Buffer;
}

/** @param stream pad the message to a multiple of four bytes, as TCP and TLS require */
export function encodeChannelData({ channel, data }: ChannelData, stream: boolean): Buffer {
  const bytes = Buffer.alloc(4 + (stream ? padded(data.length) : data.length));
  bytes.writeUInt16BE(channel, 0);
  bytes.writeUInt16BE(data.length, 2);
  data.copy(bytes, 4);
  return bytes;
}

/** @throws StunFormatError */
export function decodeChannelData(bytes: Buffer): ChannelData {
  if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt16BE(2))
    throw new StunFormatError('ChannelData is truncated');
  return { channel: bytes.readUInt16BE(0), data: bytes.subarray(4, 4 + bytes.readUInt16BE(2)) };
}

/** Whether the message is ChannelData rather than STUN: RFC 8656, 12. */
export function isChannelData(bytes: Buffer): boolean {
  return bytes.length > 0 && ((bytes[0] as number) & 0xc0) === 0x40;
}

/**
 * Splits a stream into STUN messages and ChannelData. Keeps an incomplete message until the rest arrives.
 * @param padding whether ChannelData is padded to four bytes, as over TCP and TLS but not over DTLS
 */
export function createSplitter(padding: boolean): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const messages: Buffer[] = [];
    while (rest.length >= 4) {
      const length = rest.readUInt16BE(2);
      const size = isChannelData(rest) ? 4 + (padding ? padded(length) : length) : 20 + length;
      if (rest.length < size) break;
      messages.push(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
    return messages;
  };
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
