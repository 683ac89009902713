import { describe, expect, it } from 'vitest';
import { createPcapReader, ttlOf } from '../../../src/lab/capture.ts';
import { ADDRESSES, linkCommands, MACHINES } from '../../../src/lab/network.ts';

describe('linkCommands', () => {
  const commands = linkCommands({ client: 11, server: 12, peer: 13 }).map((words) => words.join(' '));

  it('joins each machine to the router, and gives it the way to the others', () => {
    for (const machine of MACHINES) {
      const { ipv4, router4, router6 } = ADDRESSES[machine];
      expect(commands).toContain(`ip address add ${router4}/24 dev ${machine}`);
      expect(commands.some((line) => line.includes(`address add ${ipv4}/24 dev eth0`))).toBe(true);
      expect(commands.some((line) => line.endsWith(`route add default via ${router4}`))).toBe(true);
      expect(commands.some((line) => line.endsWith(`-6 route add default via ${router6}`))).toBe(true);
    }
  });

  it('enters a namespace for what belongs there only', () => {
    const entered = commands.filter((line) => line.startsWith('nsenter'));
    expect(entered.every((line) => /^nsenter --net=\/proc\/1[123]\/ns\/net -- ip /.test(line))).toBe(true);
    expect(commands.filter((line) => line.includes(' type veth '))).toHaveLength(3);
  });
});

/** A pcap stream with these frames, as tcpdump writes it. */
function pcap(frames: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  const records = frames.map((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return Buffer.concat([record, frame]);
  });
  return Buffer.concat([header, ...records]);
}
const ethernet = Buffer.alloc(14);
const ipv4 = (ttl: number) => Buffer.concat([ethernet, Buffer.from([0x45, 0, 0, 20, 0, 0, 0, 0, ttl, 17])]);
const ipv6 = (hops: number) => Buffer.concat([ethernet, Buffer.from([0x60, 0, 0, 0, 0, 8, 17, hops])]);

describe('a capture', () => {
  it('is read however it arrives, and its TTLs and hop limits are found', () => {
    const stream = pcap([ipv4(63), ipv6(1), ipv4(255)]);
    for (const size of [1, 7, 40, stream.length]) {
      const found: (number | undefined)[] = [];
      const read = createPcapReader((frame) => found.push(ttlOf(frame)));
      for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
      expect(found).toEqual([63, 1, 255]);
    }
  });

  it('that is none is an error', () =>
    expect(() => createPcapReader(() => {})(Buffer.alloc(24))).toThrow(/not a pcap stream/));
});
