import { describe, expect, it } from 'vitest';
import { hostilePacket, type Knowledge } from '../../../src/lab/mutate.ts';
import { createRandom } from '../../../src/lab/random.ts';
import { isChannelData } from '../../../src/turn/framing.ts';
import { decodeMessage, hasIntegrity, longTermKey } from '../../../src/turn/message.ts';

const knowledge: Knowledge = {
  username: 'u',
  realm: 'r',
  nonce: 'n',
  key: longTermKey('u', 'r', 'p'),
};
const packets = (seed: number, count: number) => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => hostilePacket(random, knowledge));
};

describe('hostile packets', () => {
  it('are the same for the same seed, and different for another one', () => {
    const hex = (seed: number) => packets(seed, 200).map((bytes) => bytes.toString('hex'));
    expect(hex(1)).toEqual(hex(1));
    expect(hex(1)).not.toEqual(hex(2));
  });

  it('are of every kind, nearly all different, and fit into a datagram', () => {
    const all = packets(7, 5000);
    const count = (is: (bytes: Buffer) => boolean) => all.filter(is).length;
    const wellFormed = (bytes: Buffer) => {
      try {
        decodeMessage(bytes);
        return true;
      } catch {
        return false;
      }
    };
    expect(count(isChannelData)).toBeGreaterThan(500);
    expect(count(wellFormed)).toBeGreaterThan(1500);
    expect(count((bytes) => wellFormed(bytes) && hasIntegrity(bytes, knowledge.key))).toBeGreaterThan(500);
    expect(count((bytes) => !wellFormed(bytes))).toBeGreaterThan(1500);
    expect(new Set(all.map((bytes) => bytes.toString('hex'))).size).toBeGreaterThan(4500);
    // The size limit of a datagram.
    expect(Math.max(...all.map((bytes) => bytes.length))).toBeLessThan(65_000);
  });
});
