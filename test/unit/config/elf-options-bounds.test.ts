import { describe, expect, it } from 'vitest';
import { optionsOfElf } from '../../../src/config/elf-options.ts';
import { type ElfKind, elfWithOptions } from '../../support/elf-builder.ts';

const NOT_ELF = 'it is not a 64-bit little-endian ELF file';
const DAMAGED = 'the ELF file is damaged or truncated';
/** Where the builder puts the program header, the strings and the segment. */
const PROGRAM_HEADER = 64;
const STRINGS = 120;
const BASE = 0x400000;
/** Where the ELF header names the program headers, the section headers and their numbers. */
const E_PHOFF = 0x20;
const E_SHOFF = 0x28;
const E_PHNUM = 0x38;
const E_SHNUM = 0x3c;

const options = (count: number, prefix = 'option') =>
  Array.from({ length: count }, (_, i) => ({ name: `${prefix}-${i}`, kind: i % 3 }));
const FULL = options(60);
const namesOf = (file: Buffer) => optionsOfElf(file).map(({ name }) => name);
const namesIn = (all: readonly { name: string }[]) => all.map(({ name }) => name);

describe('the ELF header', () => {
  it.each<[string, number, number]>([
    ['another magic number', 0, 0x7e],
    ['the 32-bit class', 4, 1],
    ['big-endian byte order', 5, 2],
  ])('is refused with %s', (_, offset, value) => {
    const file = elfWithOptions(FULL);
    file[offset] = value;
    expect(() => optionsOfElf(file)).toThrow(NOT_ELF);
  });

  it('is refused if the file has fewer than 64 bytes', () => {
    expect(() => optionsOfElf(elfWithOptions(FULL).subarray(0, 63))).toThrow(NOT_ELF);
    expect(() => optionsOfElf(Buffer.alloc(0))).toThrow(NOT_ELF);
  });

  it('is read if the file has exactly 64 bytes', () => {
    const header = Buffer.from(elfWithOptions(FULL).subarray(0, 64));
    expect(() => optionsOfElf(header)).toThrow(DAMAGED);
    header.writeUInt16LE(0, E_PHNUM);
    header.writeUInt16LE(0, E_SHNUM);
    expect(() => optionsOfElf(header)).toThrow('its longest option table has only 0 entries');
  });
});

describe('the number of options', () => {
  it('may be 50', () => expect(namesOf(elfWithOptions(options(50)))).toEqual(namesIn(options(50))));

  it('must not be 49', () =>
    expect(() => optionsOfElf(elfWithOptions(options(49)))).toThrow(
      'its longest option table has only 49 entries',
    ));

  it('decides between two tables; the first one wins a tie', () => {
    const gap = { name: '0', kind: 0 };
    const [a, b, longer] = [options(55, 'first'), options(55, 'second'), options(56, 'third')];
    expect(namesOf(elfWithOptions([...a, gap, ...b]))).toEqual(namesIn(a));
    expect(namesOf(elfWithOptions([...a, gap, ...longer]))).toEqual(namesIn(longer));
  });
});

describe('the name of an option', () => {
  const withName = (name: string) => elfWithOptions([...FULL, { name, kind: 0 }, { name: 'end', kind: 0 }]);

  it.each([98, 99, 100])('may have %i bytes', (length) => {
    const name = 'n'.repeat(length);
    expect(namesOf(withName(name))).toEqual([...namesIn(FULL), name, 'end']);
  });

  it('ends the table if it has 101 bytes', () =>
    expect(namesOf(withName('n'.repeat(101)))).toEqual(namesIn(FULL)));

  it.each(['', '9lives', 'two words'])('ends the table if it is "%s"', (name) =>
    expect(namesOf(withName(name))).toEqual(namesIn(FULL)),
  );

  it('ends the table if its address is outside the segment', () => {
    const file = elfWithOptions(FULL.concat(options(60, 'late')), { kind: 'fixed' });
    const at = entryOffset(file, 120, 55);
    file.writeBigUInt64LE(BigInt(BASE - 1), at);
    // The second part is longer.
    expect(namesOf(file)).toEqual(namesIn(FULL.concat(options(60, 'late')).slice(56)));
  });
});

describe('a segment', () => {
  it.each<ElfKind>(['rela', 'relr', 'fixed'])('may be anywhere in the file: %s', (kind) => {
    expect(namesOf(shifted(elfWithOptions(FULL, { kind }), 0x1000))).toEqual(namesIn(FULL));
  });

  it.each<ElfKind>(['rela', 'relr', 'fixed'])('may follow other segments: %s', (kind) => {
    const file = elfWithOptions(FULL, { kind });
    const own = loaded(BASE + STRINGS, STRINGS, sectionOf(file).offset - STRINGS);
    // A header of another kind at the same address, and a segment at a lower and at a higher address.
    const note = Buffer.from(own);
    note.writeUInt32LE(4, 0);
    note.writeBigUInt64LE(8n, 8);
    const low = loaded(BASE + STRINGS - 64, 0, 64);
    const high = loaded(BASE + 0x100000, 8, 16);
    expect(namesOf(withHeaders(file, [note, low, high, own]))).toEqual(namesIn(FULL));
  });

  it.each([63, 64])('may be one of %i segments', (count) => {
    const file = elfWithOptions(FULL);
    const headers = Array.from({ length: count - 1 }, () => Buffer.alloc(56));
    expect(namesOf(withHeaders(file, [...headers, programHeader(file)]))).toEqual(namesIn(FULL));
  });

  it('must not be one of more than 64 segments', () => {
    const file = elfWithOptions(FULL);
    const headers = Array.from({ length: 64 }, () => Buffer.alloc(56));
    expect(() => optionsOfElf(withHeaders(file, [...headers, programHeader(file)]))).toThrow(
      'it has more than 64 segments, more than any turnserver',
    );
  });

  it('must reach from the first string to the end of the last pointer', () => {
    // Without the entry that ends the array, only 8 bytes of the last entry are in the segment.
    const file = elfWithOptions(FULL, { kind: 'fixed' });
    const last = entryOffset(file, 60, 59);
    const header = programHeader(file);
    header.writeBigUInt64LE(BigInt(STRINGS), 8);
    header.writeBigUInt64LE(BigInt(BASE + STRINGS), 16);
    header.writeBigUInt64LE(BigInt(last + 8 - STRINGS), 32);
    expect(namesOf(withHeaders(file, [header]))).toEqual(namesIn(FULL));
    header.writeBigUInt64LE(BigInt(last + 7 - STRINGS), 32);
    expect(namesOf(withHeaders(file, [header]))).toEqual(namesIn(FULL.slice(0, 59)));
  });

  it('does not include the byte at its end offset', () => {
    const file = elfWithOptions(FULL);
    const last = entryOffset(file, 60, 59);
    const header = programHeader(file);
    header.writeBigUInt64LE(BigInt(last), 32);
    expect(namesOf(withHeaders(file, [header]))).toEqual(namesIn(FULL.slice(0, 59)));
  });
});

describe('relocations', () => {
  it('of another type are not pointers', () => {
    const file = elfWithOptions(FULL);
    const { offset } = sectionOf(file);
    file.writeUInt32LE(6, offset + 24 * 55 + 8);
    expect(namesOf(file)).toEqual(namesIn(FULL.slice(0, 55)));
  });

  it.each<ElfKind>(['rela', 'relr'])('may be in any section, and other sections are not read: %s', (kind) => {
    const file = elfWithOptions(FULL, { kind });
    const own = Buffer.from(file.subarray(sectionOf(file).header));
    // The text of a program, larger than all relocations may be and not in the file.
    const other = section(1, 0x10000000, 0x10000000);
    expect(namesOf(withSections(file, [other, own, other]))).toEqual(namesIn(FULL));
  });

  it.each([4, 19])('in sections of type %i must not exceed 64 MiB', (type) => {
    const file = elfWithOptions(FULL);
    const own = Buffer.from(file.subarray(sectionOf(file).header));
    const most = 64 * 1024 * 1024;
    const message = 'it has more than 67108864 bytes of relocations, more than any turnserver';
    expect(() => optionsOfElf(withSections(file, [section(type, 0, most + 1)]))).toThrow(message);
    const used = Number(own.readBigUInt64LE(0x20));
    expect(() => optionsOfElf(withSections(file, [own, section(type, 0, most - used + 1)]))).toThrow(message);
    expect(() => optionsOfElf(withSections(file, [own, section(type, most * 2, most - used)]))).toThrow(
      DAMAGED,
    );
  });

  it.each<ElfKind>(['rela', 'relr'])('end where the section ends: %s', (kind) => {
    const file = elfWithOptions(FULL, { kind });
    const { header, offset, size } = sectionOf(file);
    const headers = Buffer.from(file.subarray(header));
    // The file ends with the relocations.
    const moved = Buffer.concat([file.subarray(0, offset), headers, file.subarray(offset, offset + size)]);
    moved.writeBigUInt64LE(BigInt(offset), E_SHOFF);
    moved.writeBigUInt64LE(BigInt(offset + headers.length), offset + 0x18);
    expect(namesOf(moved)).toEqual(namesIn(FULL));
  });

  it('in a bitmap are those whose bit is set', () => {
    const file = elfWithOptions(FULL, { kind: 'relr' });
    const { offset } = sectionOf(file);
    // The fourth word after the first entry's address is that of the second entry.
    file.writeBigUInt64LE(file.readBigUInt64LE(offset + 8) & ~(1n << 4n), offset + 8);
    expect(namesOf(file)).toEqual(namesIn(FULL.slice(2)));
  });

  it.each([255, 256])('may be in one of %i sections', (count) => {
    const file = elfWithOptions(FULL);
    const own = Buffer.from(file.subarray(sectionOf(file).header));
    const others = Array.from({ length: count - 1 }, () => section(1, 0, 0));
    expect(namesOf(withSections(file, [...others, own]))).toEqual(namesIn(FULL));
  });
});

/** The offset of an entry in a table of `count` options, which is also where the pointer to its name is. */
function entryOffset(file: Buffer, count: number, index: number): number {
  return sectionOf(file).offset - 32 * (count + 1 - index);
}

/** The only section of the builder's file, and where its header is. */
function sectionOf(file: Buffer): { header: number; offset: number; size: number } {
  const header = Number(file.readBigUInt64LE(E_SHOFF));
  const [offset, size] = [file.readBigUInt64LE(header + 0x18), file.readBigUInt64LE(header + 0x20)];
  return { header, offset: Number(offset), size: Number(size) };
}

function section(type: number, offset: number, size: number): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(type, 4);
  header.writeBigUInt64LE(BigInt(offset), 0x18);
  header.writeBigUInt64LE(BigInt(size), 0x20);
  return header;
}

function programHeader(file: Buffer): Buffer {
  return Buffer.from(file.subarray(PROGRAM_HEADER, STRINGS));
}

function loaded(address: number, offset: number, size: number): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(1, 0);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(BigInt(address), 16);
  header.writeBigUInt64LE(BigInt(size), 32);
  return header;
}

/** The file with other program headers, at its end. */
function withHeaders(file: Buffer, headers: readonly Buffer[]): Buffer {
  const result = Buffer.concat([file, ...headers]);
  result.writeBigUInt64LE(BigInt(file.length), E_PHOFF);
  result.writeUInt16LE(headers.length, E_PHNUM);
  return result;
}

/** The file with other section headers, at its end. */
function withSections(file: Buffer, headers: readonly Buffer[]): Buffer {
  const result = Buffer.concat([file, ...headers]);
  result.writeBigUInt64LE(BigInt(file.length), E_SHOFF);
  result.writeUInt16LE(headers.length, E_SHNUM);
  return result;
}

/** The file with its contents moved away from the headers, at the same addresses. */
function shifted(file: Buffer, by: number): Buffer {
  const { header, offset } = sectionOf(file);
  const result = Buffer.concat([file.subarray(0, STRINGS), Buffer.alloc(by), file.subarray(STRINGS)]);
  result.writeBigUInt64LE(BigInt(by), PROGRAM_HEADER + 8);
  result.writeBigUInt64LE(BigInt(header + by), E_SHOFF);
  result.writeBigUInt64LE(BigInt(offset + by), header + by + 0x18);
  return result;
}
