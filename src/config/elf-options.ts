import { type ConfigOption, OptionTableError } from './option-table.ts';

/** A loaded segment of an ELF file, with its position in memory and in the file. In real programs, numbers fit in 53 bits. */
interface Segment {
  address: number;
  offset: number;
  size: number;
}

/** glibc's `struct option` on 64-bit systems: name, has_arg (an int, padded), flag, val (an int, padded). */
const ENTRY_BYTES = 32;
/** Relocation type that adds the load address, by machine (e_machine): R_X86_64_RELATIVE, R_AARCH64_RELATIVE. */
const RELATIVE: Readonly<Record<number, number>> = { 62: 8, 183: 1027 };
const ET_EXEC = 2;
const SHT_RELA = 4;
const SHT_RELR = 19;
const PT_LOAD = 1;
const KINDS = ['none', 'required', 'optional'] as const;
const NAME = /^[a-zA-Z][\w-]*$/;
/** Minimum length of turnserver's table, which is the longest one in the program. The same as in `parseOptionTable`. */
const LEAST_OPTIONS = 50;

/**
 * Limits, because a hostile file can refer to one table thousands of times. A turnserver with static OpenSSL has 14 segments, 29 sections
 * and 21,000 pointers.
 */
const MOST_SEGMENTS = 64;
const MOST_SECTIONS = 256;
const MOST_POINTERS = 2_000_000;
const MOST_RELOCATION_BYTES = 64 * 1024 * 1024;
/** Maximum bytes of an option's name. */
const MOST_NAME = 100;

/**
 * Reads the option table (`long_options[]`) from any compiled turnserver. The table is an array of `struct option` in the data
 * segment, whose names are pointers. Supports ELF64, little-endian, x86_64 and AArch64. (System V ABI, chapters 4 and 5.)
 * @throws OptionTableError
 */
export function optionsOfElf(program: Buffer): ConfigOption[] {
  if (program.length < 64 || program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2 || program[5] !== 1)
    throw new OptionTableError('it is not a 64-bit little-endian ELF file');
  try {
    return longestTable(program);
  } catch (error) {
    if (error instanceof OptionTableError) throw error;
    throw new OptionTableError('the ELF file is damaged or truncated');
  }
}

/** Names in a program that look like coturn's metrics: strings that begin with `turn_` or `stun_`. */
export function metricNamesIn(program: Buffer): string[] {
  const text = program.toString('latin1');
  return [
    ...new Set([...text.matchAll(/(?<=\0)(?:turn|stun)_[a-z0-9_]+(?=\0)/g)].map(([name]) => name)),
  ].sort();
}

/** Whether a turnserver drains on SIGUSR1: it contains the log message. recipes/docker/build/build.sh uses the same pattern. */
export function drains(program: Buffer): boolean {
  return /draining/i.test(program.toString('latin1'));
}

/** Whether a turnserver reloads its certificate on SIGUSR2: it contains the log message. recipes/docker/build/build.sh uses the same pattern. */
export function reloads(program: Buffer): boolean {
  return /reloading tls certificate/i.test(program.toString('latin1'));
}

function longestTable(program: Buffer): ConfigOption[] {
  const segments = loadedSegments(program);
  const pointers = pointersIn(program, segments);
  const read = { program, segments, pointers };
  let longest: ConfigOption[] = [];
  for (const address of pointers.keys()) {
    // Start only at a table's first entry, which has no entry before it.
    if (entryAt(read, address - ENTRY_BYTES) !== undefined) continue;
    const table: ConfigOption[] = [];
    for (let at = address; ; at += ENTRY_BYTES) {
      const entry = entryAt(read, at);
      if (entry === undefined) break;
      table.push(entry);
    }
    if (table.length > longest.length) longest = table;
  }
  if (longest.length < LEAST_OPTIONS)
    throw new OptionTableError(`its longest option table has only ${longest.length} entries`);
  return longest;
}

interface Reading {
  program: Buffer;
  segments: readonly Segment[];
  /** The target address of each pointer, by the pointer's address. */
  pointers: ReadonlyMap<number, number>;
}

function entryAt({ program, segments, pointers }: Reading, address: number): ConfigOption | undefined {
  const name = stringAt(program, segments, pointers.get(address));
  const offset = offsetOf(segments, address);
  if (name === undefined || offset === undefined || !NAME.test(name)) return undefined;
  const kind = KINDS[program.readInt32LE(offset + 8)];
  return kind === undefined ? undefined : { name, value: kind, conditions: [] };
}

function stringAt(
  program: Buffer,
  segments: readonly Segment[],
  address: number | undefined,
): string | undefined {
  const offset = address === undefined ? undefined : offsetOf(segments, address);
  if (offset === undefined) return undefined;
  const length = program.subarray(offset, offset + MOST_NAME + 1).indexOf(0);
  return length < 0 ? undefined : program.toString('latin1', offset, offset + length);
}

function offsetOf(segments: readonly Segment[], address: number): number | undefined {
  const segment = segments.find((each) => address >= each.address && address < each.address + each.size);
  return segment === undefined ? undefined : address - segment.address + segment.offset;
}

/** Program headers: e_phoff, e_phentsize, e_phnum of the ELF header. */
function loadedSegments(program: Buffer): Segment[] {
  const start = Number(program.readBigUInt64LE(0x20));
  const size = program.readUInt16LE(0x36);
  return Array.from(
    { length: atMost(MOST_SEGMENTS, program.readUInt16LE(0x38), 'segments') },
    (_, i) => start + i * size,
  )
    .filter((at) => program.readUInt32LE(at) === PT_LOAD)
    .map((at) => ({
      offset: Number(program.readBigUInt64LE(at + 8)),
      address: Number(program.readBigUInt64LE(at + 16)),
      size: Number(program.readBigUInt64LE(at + 32)),
    }));
}

function atMost(most: number, found: number, what: string): number {
  if (found <= most) return found;
  throw new OptionTableError(`it has more than ${most} ${what}, more than any turnserver`);
}

/** All pointers of the program. */
function pointersIn(program: Buffer, segments: readonly Segment[]): Map<number, number> {
  const pointers = new Map<number, number>();
  let read = 0;
  const inPlace = (address: number) => {
    atMost(MOST_POINTERS, ++read, 'pointers');
    const offset = offsetOf(segments, address);
    if (offset !== undefined) pointers.set(address, Number(program.readBigUInt64LE(offset)));
  };
  // In a program with a fixed address, the data contains the final pointers.
  if (program.readUInt16LE(16) === ET_EXEC) {
    for (const { address, size } of segments)
      for (let at = Math.ceil(address / 8) * 8; at + 8 <= address + size; at += 8) inPlace(at);
    return pointers;
  }
  const relative = RELATIVE[program.readUInt16LE(18)];
  if (relative === undefined) throw new OptionTableError('it is for neither x86_64 nor AArch64');
  let bytes = 0;
  for (const { type, offset, end } of sections(program)) {
    if (type === SHT_RELR || type === SHT_RELA)
      bytes = atMost(MOST_RELOCATION_BYTES, bytes + end - offset, 'bytes of relocations');
    if (type === SHT_RELR) for (const address of packedAddresses(program, offset, end)) inPlace(address);
    if (type !== SHT_RELA) continue;
    for (let at = offset; at < end; at += 24)
      if (program.readUInt32LE(at + 8) === relative)
        pointers.set(Number(program.readBigUInt64LE(at)), Number(program.readBigInt64LE(at + 16)));
  }
  return pointers;
}

/** Section headers: e_shoff, e_shentsize, e_shnum of the ELF header. */
function sections(program: Buffer): { type: number; offset: number; end: number }[] {
  const start = Number(program.readBigUInt64LE(0x28));
  const size = program.readUInt16LE(0x3a);
  return Array.from({ length: atMost(MOST_SECTIONS, program.readUInt16LE(0x3c), 'sections') }, (_, i) => {
    const header = start + i * size;
    const offset = Number(program.readBigUInt64LE(header + 0x18));
    const end = offset + Number(program.readBigUInt64LE(header + 0x20));
    return { type: program.readUInt32LE(header + 4), offset, end };
  });
}

/** Packed relative relocations (`-z pack-relative-relocs`): an address, followed by bitmaps for the next 63 words each. */
function* packedAddresses(program: Buffer, offset: number, end: number): Generator<number> {
  let next = 0;
  for (let at = offset; at < end; at += 8) {
    const entry = program.readBigUInt64LE(at);
    if ((entry & 1n) === 0n) {
      yield Number(entry);
      next = Number(entry) + 8;
      continue;
    }
    for (let bit = 0; bit < 63; bit++) if ((entry >> BigInt(bit + 1)) & 1n) yield next + 8 * bit;
    next += 63 * 8;
  }
}
