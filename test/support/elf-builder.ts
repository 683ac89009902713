/** How a program stores the addresses in its data. */
export type ElfKind = 'rela' | 'relr' | 'fixed';

const HEADER = 64;
const MACHINES = { x86_64: 62, arm64: 183 } as const;
const RELATIVE = { x86_64: 8, arm64: 1027 } as const;
/** Address of the only loaded segment. */
const BASE = 0x400000;

/**
 * A small ELF64 file with an array of `struct option`, as the linker would lay it out: one segment with strings and the
 * array, and the section with its relocations. It can be read but not run.
 */
export function elfWithOptions(
  options: readonly { name: string; kind: number }[],
  { arch = 'x86_64', kind = 'rela' }: { arch?: keyof typeof MACHINES; kind?: ElfKind } = {},
): Buffer {
  const strings = Buffer.from(`${options.map(({ name }) => name).join('\0')}\0`);
  const stringsAt = HEADER + 56;
  const tableAt = Math.ceil((stringsAt + strings.length) / 8) * 8;
  // An empty entry ends the array.
  const table = Buffer.alloc(32 * (options.length + 1));
  const places: { at: number; to: number }[] = [];
  let text = BASE + stringsAt;
  for (const [index, option] of options.entries()) {
    places.push({ at: BASE + tableAt + 32 * index, to: text });
    if (kind !== 'rela') table.writeBigUInt64LE(BigInt(text), 32 * index);
    table.writeInt32LE(option.kind, 32 * index + 8);
    text += option.name.length + 1;
  }
  const relocations =
    kind === 'fixed' ? Buffer.alloc(0) : kind === 'rela' ? rela(places, RELATIVE[arch]) : relr(places);
  const end = tableAt + table.length;
  const file = Buffer.alloc(end + relocations.length + 64);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(kind === 'fixed' ? 2 : 3, 16);
  file.writeUInt16LE(MACHINES[arch], 18);
  file.writeBigUInt64LE(BigInt(HEADER), 0x20);
  file.writeBigUInt64LE(BigInt(end + relocations.length), 0x28);
  file.writeUInt16LE(56, 0x36);
  file.writeUInt16LE(1, 0x38);
  file.writeUInt16LE(64, 0x3a);
  file.writeUInt16LE(1, 0x3c);
  // The program header: PT_LOAD of everything up to the relocations.
  file.writeUInt32LE(1, HEADER);
  file.writeBigUInt64LE(0n, HEADER + 8);
  file.writeBigUInt64LE(BigInt(BASE), HEADER + 16);
  file.writeBigUInt64LE(BigInt(end), HEADER + 32);
  strings.copy(file, stringsAt);
  table.copy(file, tableAt);
  relocations.copy(file, end);
  const section = end + relocations.length;
  file.writeUInt32LE({ rela: 4, relr: 19, fixed: 0 }[kind], section + 4);
  file.writeBigUInt64LE(BigInt(end), section + 0x18);
  file.writeBigUInt64LE(BigInt(relocations.length), section + 0x20);
  return file;
}

function rela(places: readonly { at: number; to: number }[], type: number): Buffer {
  const bytes = Buffer.alloc(24 * places.length);
  for (const [index, { at, to }] of places.entries()) {
    bytes.writeBigUInt64LE(BigInt(at), 24 * index);
    bytes.writeUInt32LE(type, 24 * index + 8);
    bytes.writeBigInt64LE(BigInt(to), 24 * index + 16);
  }
  return bytes;
}

/** The first address, then bitmaps of 63 words each: an entry's pointer is every fourth word. */
function relr(places: readonly { at: number }[]): Buffer {
  const first = places[0]?.at ?? 0;
  const words = new Set(places.slice(1).map(({ at }) => (at - first - 8) / 8));
  const last = Math.max(-1, ...words);
  const entries = [BigInt(first)];
  for (let base = 0; base <= last; base += 63) {
    let bitmap = 1n;
    for (let bit = 0; bit < 63; bit++) if (words.has(base + bit)) bitmap |= 1n << BigInt(bit + 1);
    entries.push(bitmap);
  }
  const bytes = Buffer.alloc(8 * entries.length);
  for (const [index, entry] of entries.entries()) bytes.writeBigUInt64LE(entry, 8 * index);
  return bytes;
}
