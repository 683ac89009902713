import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../../src/turn/crc32.ts';
import {
  createSplitter,
  decodeChannelData,
  encodeChannelData,
  isChannelData,
} from '../../../src/turn/framing.ts';
import {
  ATTRIBUTE,
  decodeMessage,
  encodeMessage,
  hasFingerprint,
  hasIntegrity,
  type MessageClass,
  newTransactionId,
  StunFormatError,
} from '../../../src/turn/message.ts';
import {
  decodeError,
  decodeXorAddress,
  encodeXorAddress,
  formatAddress,
  parseAddress,
} from '../../../src/turn/values.ts';

const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((value) => Buffer.from(value));
const message = fc.record({
  method: fc.integer({ min: 0, max: 0xfff }),
  class: fc.constantFrom<MessageClass>('request', 'indication', 'success', 'error'),
  transactionId: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((value) => Buffer.from(value)),
  attributes: fc.array(
    fc.record({
      // Excludes the attributes that end a message.
      type: fc.integer({ min: 0x30, max: 0x7fff }),
      value: bytes(40),
    }),
    { maxLength: 6 },
  ),
});

describe('messages', () => {
  it('survive a round trip', () => {
    fc.assert(
      fc.property(message, (each) => {
        expect(decodeMessage(encodeMessage(each))).toEqual(each);
      }),
    );
  });

  it.each(['sha1', 'sha256'] as const)('carry a %s integrity that only the right key verifies', (hash) => {
    fc.assert(
      fc.property(message, bytes(30), (each, key) => {
        const sealed = encodeMessage(each, { key, hash, fingerprint: true });
        expect(hasIntegrity(sealed, key)).toBe(true);
        expect(hasIntegrity(sealed, Buffer.concat([key, Buffer.from('x')]))).toBe(false);
        expect(hasFingerprint(sealed)).toBe(true);
        expect(hasFingerprint(encodeMessage(each, { key, hash }))).toBe(false);
        expect(hasIntegrity(encodeMessage(each), key)).toBe(false);
      }),
    );
  });

  it.each([0, 1, 15, 16, 19, 21, 32, 200])(
    'with a forged integrity of %s bytes are not authentic',
    (length) => {
      const id = newTransactionId();
      const forged = (type: number) =>
        encodeMessage({
          method: 1,
          class: 'request',
          transactionId: id,
          attributes: [{ type, value: Buffer.alloc(length) }],
        });
      for (const type of [ATTRIBUTE.messageIntegrity, ATTRIBUTE.messageIntegritySha256])
        expect(hasIntegrity(forged(type), Buffer.from('key'))).toBe(false);
    },
  );

  // RFC 8489, 14.6: an HMAC-SHA256 may be truncated to 16 bytes or more, in steps of four.
  it.each([
    [12, false],
    [15, false],
    [16, true],
    [17, false],
    [18, false],
    [20, true],
    [28, true],
    [30, false],
    [32, true],
  ])('with the first %i bytes of an HMAC-SHA256 are authentic: %s', (length, authentic) => {
    const key = Buffer.from('key');
    const bare = { method: 1, class: 'request', transactionId: newTransactionId(), attributes: [] } as const;
    const covered = encodeMessage({ ...bare, attributes: [] });
    covered.writeUInt16BE(4 + length, 2);
    const value = createHmac('sha256', key).update(covered).digest().subarray(0, length);
    const type = ATTRIBUTE.messageIntegritySha256;
    expect(hasIntegrity(encodeMessage({ ...bare, attributes: [{ type, value }] }), key)).toBe(authentic);
  });

  it.each([
    ['four bytes at the end', 4, 0, true],
    ['three bytes', 3, 0, false],
    ['eight bytes', 8, 0, false],
    ['followed by another attribute', 4, 8, false],
  ])('have a valid fingerprint only at the right length and place: %s', (_, length, behind, right) => {
    const attributes = [
      { type: ATTRIBUTE.fingerprint, value: Buffer.alloc(length) },
      ...(behind === 0 ? [] : [{ type: ATTRIBUTE.software, value: Buffer.alloc(behind - 4) }]),
    ];
    const bytes = encodeMessage({
      method: 1,
      class: 'request',
      transactionId: newTransactionId(),
      attributes,
    });
    const value = Buffer.alloc(4);
    value.writeUInt32BE((crc32(bytes.subarray(0, 20)) ^ 0x5354554e) >>> 0);
    value.copy(bytes, 24, 0, Math.min(4, length));
    expect(hasFingerprint(bytes)).toBe(right);
  });

  it('are distinguished from ChannelData by their first two bits', () => {
    const message = encodeMessage({
      method: 1,
      class: 'request',
      transactionId: newTransactionId(),
      attributes: [],
    });
    message.writeUInt16BE(0x4000, 0);
    expect(() => decodeMessage(message)).toThrow(StunFormatError);
    expect(isChannelData(message)).toBe(true);
    message.writeUInt16BE(0x3fff, 0);
    expect(decodeMessage(message)).toMatchObject({ method: 0xfff, class: 'error' });
    expect(isChannelData(message)).toBe(false);
  });

  it('throw nothing but a StunFormatError if malformed', () => {
    fc.assert(
      fc.property(bytes(80), (noise) => {
        try {
          decodeMessage(noise);
        } catch (error) {
          expect(error).toBeInstanceOf(StunFormatError);
        }
      }),
    );
    const good = encodeMessage({
      method: 1,
      class: 'request',
      transactionId: newTransactionId(),
      attributes: [{ type: 6, value: Buffer.from('user') }],
    });
    for (let length = 0; length < good.length; length++)
      expect(() => decodeMessage(good.subarray(0, length))).toThrow(StunFormatError);
    expect(() => decodeMessage(Buffer.concat([good, Buffer.alloc(4)]))).toThrow(StunFormatError);
  });
});

describe('addresses', () => {
  const id = newTransactionId();
  it.each([
    ['192.0.2.1', 'c0000201'],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:db8::', `20010db8${'0'.repeat(24)}`],
    ['2001:db8::1:0:0:1', '20010db8000000000001000000000001'],
    ['2001:0:0:1::1', '20010000000000010000000000000001'],
    ['2001::1:0:0:1', '20010000000000000001000000000001'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['fe80::1:0:3', `fe80${'0'.repeat(18)}0100000003`],
  ])('survive a round trip: %s', (text, wanted) => {
    expect(parseAddress(text).toString('hex')).toBe(wanted);
    expect(formatAddress(parseAddress(text))).toBe(text);
    const value = encodeXorAddress({ address: text, port: 3478 }, id);
    expect(decodeXorAddress(value, id)).toEqual({ address: text, port: 3478 });
  });

  it.each([
    ['::ffff:192.0.2.1', `${'0'.repeat(20)}ffffc0000201`],
    ['::192.0.2.1', `${'0'.repeat(24)}c0000201`],
    ['64:ff9b::192.0.2.1', `0064ff9b${'0'.repeat(16)}c0000201`],
  ])('keep their sixteen bytes: %s', (text, wanted) =>
    expect(parseAddress(text).toString('hex')).toBe(wanted),
  );

  it('survive a round trip for any sixteen bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (each) => {
        const wanted = Buffer.from(each);
        expect(parseAddress(formatAddress(wanted)).equals(wanted)).toBe(true);
      }),
    );
  });

  it.each(['', '1.2.3', 'example.org', '1.2.3.4.5', ':::'])('refuse "%s"', (text) =>
    expect(() => parseAddress(text)).toThrow(StunFormatError),
  );
  it.each([
    '',
    '00',
    '0001a147',
    '0003a147',
    '0001a147e112a64300',
    '0003a147e112a643',
    `0003a147${'11'.repeat(16)}`,
  ])('refuse the value %s', (text) =>
    expect(() => decodeXorAddress(Buffer.from(text, 'hex'), id)).toThrow(StunFormatError),
  );
});

describe('error codes', () => {
  it('have a number and a reason', () =>
    expect(decodeError(Buffer.from('0000042657726f6e67', 'hex'))).toEqual({ code: 438, reason: 'Wrong' }));
  it('need four bytes', () => expect(() => decodeError(Buffer.alloc(3))).toThrow(StunFormatError));
});

describe('streams', () => {
  const item = fc.oneof(
    message.map((each) => ({ bytes: encodeMessage(each), data: undefined })),
    bytes(30).map((data) => ({ bytes: Buffer.alloc(0), data })),
  );
  it.each([true, false])('are split into messages regardless of chunks (padding: %s)', (padding) => {
    fc.assert(
      fc.property(fc.array(item), fc.integer({ min: 1, max: 50 }), (items, size) => {
        const sent = items.map((each) =>
          each.data === undefined
            ? each.bytes
            : encodeChannelData({ channel: 0x4001, data: each.data }, padding),
        );
        const stream = Buffer.concat(sent);
        const split = createSplitter(padding);
        const found: Buffer[] = [];
        for (let at = 0; at < stream.length; at += size) found.push(...split(stream.subarray(at, at + size)));
        expect(found.map((each) => each.toString('hex'))).toEqual(sent.map((each) => each.toString('hex')));
        for (const [i, each] of items.entries()) {
          if (each.data === undefined) continue;
          expect(decodeChannelData(found[i] ?? Buffer.alloc(0)).data.equals(each.data)).toBe(true);
        }
      }),
    );
  });

  it('refuse truncated ChannelData', () =>
    expect(() => decodeChannelData(Buffer.from('40010004ff', 'hex'))).toThrow(StunFormatError));
});
