import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ATTRIBUTE,
  attributeOf,
  decodeMessage,
  encodeMessage,
  hasFingerprint,
  hasIntegrity,
  longTermKey,
  METHOD,
} from '../../../src/turn/message.ts';
import { decodeXorAddress } from '../../../src/turn/values.ts';

// The test vectors of RFC 5769, byte for byte.
const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const PASSWORD = Buffer.from('VOkJxbRl1RmTxUk/WvJxBt');

const REQUEST = hex(`
  00010058 2112a442 b7e7a701bc34d686fa87dfae
  80220010 5354554e 20746573 7420636c 69656e74
  00240004 6e0001ff
  80290008 932ff9b1 51263b36
  00060009 6576746a 3a683676 59202020
  00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
  80280004 e57a3bcf`);
const IPV4_RESPONSE = hex(`
  0101003c 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 74657374 20766563 746f7220
  00200008 0001a147 e112a643
  00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
  80280004 c07d4c96`);
const IPV6_RESPONSE = hex(`
  01010048 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 74657374 20766563 746f7220
  00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
  00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41
  80280004 c8fb0b4c`);
const LONG_TERM_REQUEST = hex(`
  00010060 2112a442 78ad3433c6ad72c029da412e
  00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000
  0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341
  0014000b 6578616d 706c652e 6f726700
  00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666`);

describe('RFC 5769', () => {
  it('2.1: the request has a valid integrity and fingerprint, and its attributes', () => {
    expect(hasIntegrity(REQUEST, PASSWORD)).toBe(true);
    expect(hasFingerprint(REQUEST)).toBe(true);
    const message = decodeMessage(REQUEST);
    expect(message).toMatchObject({ method: METHOD.binding, class: 'request' });
    expect(attributeOf(message, ATTRIBUTE.software)?.toString()).toBe('STUN test client');
    expect(attributeOf(message, ATTRIBUTE.username)?.toString()).toBe('evtj:h6vY');
  });

  it.each([
    ['2.2: the IPv4 response', IPV4_RESPONSE, '192.0.2.1'],
    ['2.3: the IPv6 response', IPV6_RESPONSE, '2001:db8:1234:5678:11:2233:4455:6677'],
  ])('%s', (_, bytes, address) => {
    expect(hasIntegrity(bytes, PASSWORD)).toBe(true);
    expect(hasFingerprint(bytes)).toBe(true);
    const message = decodeMessage(bytes);
    expect(message).toMatchObject({ method: METHOD.binding, class: 'success' });
    expect(attributeOf(message, ATTRIBUTE.software)?.toString()).toBe('test vector');
    const value = attributeOf(message, ATTRIBUTE.xorMappedAddress) ?? Buffer.alloc(0);
    expect(decodeXorAddress(value, message.transactionId)).toEqual({ address, port: 32853 });
  });

  it('2.4: the request with long-term credentials', () => {
    const message = decodeMessage(LONG_TERM_REQUEST);
    const text = (type: number) => attributeOf(message, type)?.toString() ?? '';
    expect(text(ATTRIBUTE.username)).toBe('\u30de\u30c8\u30ea\u30c3\u30af\u30b9');
    expect(text(ATTRIBUTE.nonce)).toBe('f//499k954d6OL34oL9FSTvy64sA');
    const key = longTermKey(text(ATTRIBUTE.username), text(ATTRIBUTE.realm), 'TheMatrIX');
    expect(key).toEqual(createHash('md5').update('マトリックス:example.org:TheMatrIX').digest());
    expect(hasIntegrity(LONG_TERM_REQUEST, key)).toBe(true);
  });

  it('encoding a decoded message gives the same bytes', () => {
    for (const [bytes, sealing] of [
      [REQUEST, { key: PASSWORD, fingerprint: true, padding: 0x20 }],
      [IPV4_RESPONSE, { key: PASSWORD, fingerprint: true, padding: 0x20 }],
      [IPV6_RESPONSE, { key: PASSWORD, fingerprint: true, padding: 0x20 }],
      [LONG_TERM_REQUEST, { key: longTermKey('マトリックス', 'example.org', 'TheMatrIX') }],
    ] as const) {
      const message = decodeMessage(bytes);
      const closing: number[] = [ATTRIBUTE.messageIntegrity, ATTRIBUTE.fingerprint];
      const attributes = message.attributes.filter(({ type }) => !closing.includes(type));
      expect(encodeMessage({ ...message, attributes }, sealing).toString('hex')).toBe(bytes.toString('hex'));
    }
  });

  it('a flipped bit or another password is detected', () => {
    // Bytes of the header, of attributes and of the integrity.
    for (const at of [0, 3, 9, 30, 50, 80, 90]) {
      const changed = Buffer.from(REQUEST);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(hasFingerprint(changed) && hasIntegrity(changed, PASSWORD)).toBe(false);
    }
    expect(hasIntegrity(REQUEST, Buffer.from('another'))).toBe(false);
  });
});
