import { setTimeout as pause } from 'node:timers/promises';
import { startTcpdump } from './tcpdump.ts';

/** Datagrams captured on a link. */
export interface Captured {
  packets: number;
  /** Smallest TTL (IPv4) or hop limit (IPv6); 256 if there was none. */
  minTtl: number;
}

/** Milliseconds to wait until captured packets have arrived here. */
const DELAY_MS = 500;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET_HEADER = 14;

/** Parses a pcap stream incrementally (pcap-savefile(5), little-endian, Ethernet). */
export function createPcapReader(onPacket: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let begun = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (!begun) {
      if (rest.length < FILE_HEADER) return;
      if (rest.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error('not a pcap stream');
      rest = rest.subarray(FILE_HEADER);
      begun = true;
    }
    while (rest.length >= RECORD_HEADER) {
      const length = rest.readUInt32LE(8);
      if (rest.length < RECORD_HEADER + length) break;
      onPacket(rest.subarray(RECORD_HEADER, RECORD_HEADER + length));
      rest = rest.subarray(RECORD_HEADER + length);
    }
  };
}

/** TTL of an IPv4 packet (RFC 791) or hop limit of an IPv6 one (RFC 8200) in an Ethernet frame. */
export function ttlOf(frame: Buffer): number | undefined {
  const packet = frame.subarray(ETHERNET_HEADER);
  const version = (packet[0] ?? 0) >> 4;
  return version === 4 ? packet[8] : version === 6 ? packet[7] : undefined;
}

export interface Capture {
  /** The datagrams captured so far. */
  read(): Promise<Captured>;
  stop(): Promise<Captured>;
}

/**
 * Captures UDP datagrams to some addresses as they leave a machine. The receiver would miss those sent with a TTL of 1: the router
 * drops them.
 * @param pid of the process that holds the machine's namespace
 */
export async function startCapture(pid: number, to: readonly string[]): Promise<Capture> {
  const filter = `udp and (${to.map((address) => `dst host ${address}`).join(' or ')})`;
  const options = ['-i', 'eth0', '-Q', 'out', '-U', '-s', '64', '-B', '16384', '-w', '-', filter];
  const tcpdump = await startTcpdump(pid, options);
  const seen: Captured = { packets: 0, minTtl: 256 };
  const read = createPcapReader((frame) => {
    seen.packets += 1;
    seen.minTtl = Math.min(seen.minTtl, ttlOf(frame) ?? 0);
  });
  tcpdump.stdout.on('data', read);
  return {
    async read() {
      await pause(DELAY_MS);
      return { ...seen };
    },
    async stop() {
      await pause(DELAY_MS);
      await tcpdump.stop();
      return seen;
    },
  };
}
