/** A block of a PEM file. */
export interface PemBlock {
  /** Such as `CERTIFICATE`. */
  type: string;
  headers: ReadonlyMap<string, string>;
  bytes: Buffer;
}

const BEGIN = '-----BEGIN ';
const END = '-----END ';
const DASHES = '-----';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The blocks of a PEM file. Like Go's encoding/pem, skips other text and damaged blocks, and allows no other characters in base64. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let at = beginAfter(text, 0); at !== undefined; ) {
    const { line, next } = lineAt(text, at);
    const found = line.endsWith(DASHES) ? readBlock(text, line.slice(0, -DASHES.length), next) : undefined;
    if (found !== undefined) blocks.push(found.block);
    at = beginAfter(text, found?.end ?? next);
  }
  return blocks;
}

/** The offset after the next BEGIN that is at the beginning of a line. */
function beginAfter(text: string, from: number): number | undefined {
  if (text.startsWith(BEGIN, from)) return from + BEGIN.length;
  const found = text.indexOf(`\n${BEGIN}`, from);
  return found < 0 ? undefined : found + 1 + BEGIN.length;
}

/** The line from an offset, without white space at its end, and the offset of the next line. */
function lineAt(text: string, at: number): { line: string; next: number } {
  const end = text.indexOf('\n', at);
  const line = end < 0 ? text.slice(at) : text.slice(at, end).replace(/\r$/, '');
  return { line: line.replace(/[ \t]+$/, ''), next: end < 0 ? text.length : end + 1 };
}

function readBlock(text: string, type: string, from: number): { block: PemBlock; end: number } | undefined {
  const headers = new Map<string, string>();
  let body = from;
  for (let { line, next } = lineAt(text, body); line.includes(':'); { line, next } = lineAt(text, body)) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    body = next;
  }
  // An empty block has no line of its own.
  const isEmpty = headers.size === 0 && text.startsWith(END, body);
  const end = isEmpty ? body : text.indexOf(`\n${END}`, body);
  if (end < 0) return undefined;
  const { line, next } = lineAt(text, isEmpty ? end : end + 1);
  if (line !== `${END}${type}${DASHES}`) return undefined;
  const base64 = text.slice(body, end).replace(/[ \t\r\n]/g, '');
  return BASE64.test(base64)
    ? { block: { type, headers, bytes: Buffer.from(base64, 'base64') }, end: next }
    : undefined;
}
