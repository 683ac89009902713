import { Violation } from './refusal.ts';

/** The metadata and the content of a multipart upload. @throws Violation */
export function parseMultipart(
  contentType: string,
  body: Buffer,
): { json: string; content: Buffer; type: string } {
  const [, quoted, plain] =
    /^multipart\/related;\s*boundary=(?:"([^"]+)"|([^\s;]+))$/.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) throw new Violation('Expected multipart/related with a boundary');
  const parts: { head: string; content: Buffer }[] = [];
  const mark = Buffer.from(`--${boundary}`);
  let at = body.indexOf(mark);
  while (at !== -1 && body.subarray(at + mark.length, at + mark.length + 2).toString() !== '--') {
    const head = body.indexOf('\r\n\r\n', at);
    const end = body.indexOf(Buffer.from(`\r\n--${boundary}`), head);
    if (head === -1 || end === -1) throw new Violation('Incomplete multipart body');
    parts.push({
      head: body.subarray(at + mark.length, head).toString(),
      content: body.subarray(head + 4, end),
    });
    at = end + 2;
  }
  const [metadata, media] = parts;
  if (at === -1 || metadata === undefined || media === undefined || parts.length !== 2)
    throw new Violation('Expected two complete parts');
  const typeOf = (head: string) => /^content-type:\s*(.+)$/im.exec(head)?.[1]?.trim() ?? '';
  if (!/^application\/json\b/.test(typeOf(metadata.head))) throw new Violation('The first part is not JSON');
  if (typeOf(media.head) === '') throw new Violation('The second part has no content type');
  return { json: metadata.content.toString('utf8'), content: media.content, type: typeOf(media.head) };
}
