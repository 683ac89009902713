import { describe, expect, it } from 'vitest';
import { drains, optionsOfElf, reloads } from '../../../src/config/elf-options.ts';
import { OptionTableError } from '../../../src/config/option-table.ts';
import { type ElfKind, elfWithOptions } from '../../support/elf-builder.ts';

const OPTIONS = Array.from({ length: 120 }, (_, i) => ({ name: `option-${i}`, kind: i % 3 }));
const KINDS = ['none', 'required', 'optional'];

describe('optionsOfElf', () => {
  it.each(
    (['rela', 'relr', 'fixed'] as ElfKind[]).flatMap((kind) =>
      (['x86_64', 'arm64'] as const).map((arch) => [kind, arch] as const),
    ),
  )('reads the whole table, in order: %s, %s', (kind, arch) => {
    expect(optionsOfElf(elfWithOptions(OPTIONS, { kind, arch }))).toEqual(
      OPTIONS.map((option) => ({ name: option.name, value: KINDS[option.kind], conditions: [] })),
    );
  });

  it('ends the table at an invalid entry', () => {
    const broken = OPTIONS.map((option, i) => (i === 70 ? { ...option, kind: 7 } : option));
    expect(optionsOfElf(elfWithOptions(broken))).toHaveLength(70);
  });

  it.each<[string, Buffer, RegExp]>([
    ['a text file', Buffer.from('#!/bin/sh\n'.repeat(20)), /not a 64-bit little-endian ELF file/],
    [
      'a program with a short option table, like those of turnutils',
      elfWithOptions(OPTIONS.slice(0, 20)),
      /its longest option table has only 20 entries/,
    ],
    ['a truncated file', elfWithOptions(OPTIONS).subarray(0, 5000), /damaged or truncated/],
    ['the same section 300 times', repeated(0x3a, 0x3c, 300), /more than 256 sections/],
    ['the same segment 100 times', repeated(0x36, 0x38, 100), /more than 64 segments/],
    ['millions of pointers', withData(17 * 1024 * 1024), /more than 2000000 pointers/],
    ['another processor', otherMachine(), /neither x86_64 nor AArch64/],
  ])('refuses %s', (_, file, message) => {
    expect(() => optionsOfElf(file)).toThrow(OptionTableError);
    expect(() => optionsOfElf(file)).toThrow(message);
  });
});

describe('drains', () => {
  it.each([
    ['Draining then terminating on signal %d', true],
    ['Server is draining, then will shutdown', true],
    ['drop', false],
  ])('depends on the log messages of turnserver: %s', (text, expected) => {
    expect(drains(Buffer.concat([elfWithOptions(OPTIONS), Buffer.from(`\0${text}\0`)]))).toBe(expected);
  });
});

describe('reloads', () => {
  it.each([
    ['Reloading TLS certificates and keys', true],
    ['Loading TLS certificates', false],
  ])('depends on the log messages of turnserver: %s', (text, expected) => {
    expect(reloads(Buffer.concat([elfWithOptions(OPTIONS), Buffer.from(`\0${text}\0`)]))).toBe(expected);
  });
});

/** A file with identical headers of one kind. @param size @param count offsets of their size and number in the ELF header */
function repeated(size: number, count: number, times: number): Buffer {
  const file = elfWithOptions(OPTIONS);
  file.writeUInt16LE(0, size);
  file.writeUInt16LE(times, count);
  return file;
}

/** A program with a fixed address and one segment of this many bytes. */
function withData(bytes: number): Buffer {
  const file = Buffer.concat([elfWithOptions(OPTIONS, { kind: 'fixed' }), Buffer.alloc(bytes)]);
  file.writeBigUInt64LE(BigInt(bytes), 64 + 32);
  return file;
}

function otherMachine(): Buffer {
  const file = elfWithOptions(OPTIONS);
  file.writeUInt16LE(243, 18);
  return file;
}
