import { describe, expect, it } from 'vitest';
import { createPcapReader, ttlOf } from '../../../src/lab/capture.ts';
import { SERVERS } from '../../../src/lab/facts.ts';
import {
  ADDRESSES,
  linkCommands,
  MACHINES,
  type Namespaces,
  OWN_ADDRESSES,
} from '../../../src/lab/network.ts';

describe('linkCommands', () => {
  const namespaces = Object.fromEntries(MACHINES.map((name, index) => [name, 100 + index])) as Namespaces;
  const commands = linkCommands(namespaces).map((words) => words.join(' '));
  const inside = (machine: keyof Namespaces) =>
    commands.filter((line) => line.startsWith(`nsenter --net=/proc/${namespaces[machine]}/ns/net -- ip `));

  it('connects each machine to the router, with default routes', () => {
    for (const machine of MACHINES) {
      const { ipv4, ipv6, router4, router6 } = ADDRESSES[machine];
      expect(commands).toContain(`ip address add ${router4}/24 dev ${machine}`);
      const own = inside(machine);
      expect(own.some((line) => line.endsWith(`address add ${ipv4}/24 dev eth0`))).toBe(true);
      expect(own.some((line) => line.endsWith(`address add ${ipv6}/64 dev eth0 nodad`))).toBe(true);
      expect(own.some((line) => line.endsWith(`route add default via ${router4}`))).toBe(true);
      expect(own.some((line) => line.endsWith(`-6 route add default via ${router6}`))).toBe(true);
    }
  });

  it('assigns no address twice', () => {
    const all = MACHINES.flatMap((machine) => Object.values(ADDRESSES[machine]));
    expect(new Set(all).size).toBe(all.length);
  });

  it('enters a namespace only for commands that belong there', () => {
    const entered = commands.filter((line) => line.startsWith('nsenter'));
    expect(entered).toHaveLength(MACHINES.flatMap(inside).length);
    for (const machine of MACHINES)
      expect(commands.filter((line) => line.endsWith(`netns ${namespaces[machine]}`))).toEqual([
        `ip link add ${machine} type veth peer name eth0 netns ${namespaces[machine]}`,
      ]);
    expect(commands.filter((line) => line.includes(' type veth '))).toHaveLength(MACHINES.length);
  });

  it("assigns the additional addresses to the servers' machines only", () => {
    for (const machine of MACHINES)
      for (const address of OWN_ADDRESSES)
        expect(inside(machine).some((line) => line.endsWith(`address add ${address} dev lo`))).toBe(
          SERVERS.some((server) => server === machine),
        );
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
  it('is read in chunks of any size, with its TTLs and hop limits', () => {
    const stream = pcap([ipv4(63), ipv6(1), ipv4(255)]);
    for (const size of [1, 7, 40, stream.length]) {
      const found: (number | undefined)[] = [];
      const read = createPcapReader((frame) => found.push(ttlOf(frame)));
      for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
      expect(found).toEqual([63, 1, 255]);
    }
  });

  it('without a pcap header is an error', () =>
    expect(() => createPcapReader(() => {})(Buffer.alloc(24))).toThrow(/not a pcap stream/));
});
