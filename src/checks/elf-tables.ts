import type { ElfFile } from './facts.ts';

// readelf finds some tables by section headers, which the loader ignores, and prints names verbatim, including line breaks. So a crafted
// program can make it print rows that are in no table, or a table that the loader never reads.

/** A row of the program headers: type, offset, address, size in the file, size in memory. */
const SEGMENT = /^ {2}(.{14}) 0x([\da-f]+) 0x([\da-f]+) 0x[\da-f]+ 0x([\da-f]+) 0x([\da-f]+) /gm;
/** A row of the dynamic section, and a row that names a library or a folder. */
const ENTRY = /^ 0x[\da-f]{16} \(/gm;
const NAMED = /^ 0x[\da-f]{16} \((?:NEEDED|RPATH|RUNPATH)\) .*/gm;

interface Segment {
  type: string;
  offset: bigint;
  address: bigint;
  fileSize: bigint;
  memorySize: bigint;
}

const hex = (digits = '0') => BigInt(`0x${digits}`);

function segmentsOf(text: string): Segment[] {
  return [...text.matchAll(SEGMENT)].map(([, type = '', offset, address, fileSize, memorySize]) => ({
    type: type.trim(),
    offset: hex(offset),
    address: hex(address),
    fileSize: hex(fileSize),
    memorySize: hex(memorySize),
  }));
}

/** Why the rows of the program headers can't be trusted; undefined if they can. */
export function segmentsComplaint({ segments }: ElfFile): string | undefined {
  const said = /^There are (\d+) program headers, /m.exec(segments)?.[1];
  return Number(said) === segmentsOf(segments).length
    ? undefined
    : 'has program headers that cannot be read reliably';
}

/** Why the rows of the dynamic section can't be trusted; undefined if they can. */
export function dynamicComplaint(file: ElfFile): string | undefined {
  const { dynamic } = file;
  // Every program needs a library; if none is listed, the section was not read.
  if (!/^ 0x\w+ \(NEEDED\) /m.test(dynamic)) return 'has no readable dynamic section';
  const isBelievable =
    segmentsComplaint(file) === undefined &&
    isComplete(dynamic) &&
    isLoaded(segmentsOf(file.segments), dynamic);
  return isBelievable ? undefined : 'has a dynamic section that cannot be read reliably';
}

/** Whether it has one row per entry, ends with the terminating entry, and all names were read. */
function isComplete(dynamic: string): boolean {
  const entries = /^Dynamic section at offset 0x[\da-f]+ contains (\d+) entries:$/m.exec(dynamic)?.[1];
  return (
    Number(entries) === [...dynamic.matchAll(ENTRY)].length &&
    /^ 0x0{16} \(NULL\) +0x0\s*$(?![\s\S]*\S)/m.test(dynamic) &&
    [...dynamic.matchAll(NAMED)].every(([row]) => row.endsWith(']'))
  );
}

/** Whether the loader finds it in the same place: the loader uses the address of the one segment, readelf uses file offsets. */
function isLoaded(segments: readonly Segment[], dynamic: string): boolean {
  const own = segments.filter(({ type }) => type === 'DYNAMIC');
  const [table] = own;
  if (table === undefined || own.length > 1) return false;
  const { offset, address, fileSize } = table;
  const loads = segments.filter(
    (each) => each.type === 'LOAD' && each.address <= address && address < each.address + each.memorySize,
  );
  const [load] = loads;
  return (
    hex(/^Dynamic section at offset 0x([\da-f]+) /m.exec(dynamic)?.[1]) === offset &&
    load !== undefined &&
    loads.length === 1 &&
    address + fileSize <= load.address + load.fileSize &&
    offset - load.offset === address - load.address
  );
}
