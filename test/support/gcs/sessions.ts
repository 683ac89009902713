import { randomBytes } from 'node:crypto';
import type { Resource } from './objects.ts';
import { Violation } from './refusal.ts';

const UNIT = 256 * 1024;

/** A resumable upload. */
export interface Session {
  id: string;
  bucket: string;
  name: string;
  resource: Resource;
  condition: string | null;
  /** X-Upload-Content-Length, if it was sent. */
  size: number | undefined;
  stored: Buffer;
  /** Digests of the last chunk's X-Goog-Hash. */
  said: Pick<Resource, 'md5Hash' | 'crc32c'>;
  /** The final answer. */
  answer: { status: number; body: string } | undefined;
}

/** Ids are long, because knowing one permits the upload. */
export const newSessionId = () => `AHVrFxP${randomBytes(96).toString('base64url')}`;

/** The parts of a Content-Range; `first` is undefined in a status query. @throws Violation */
export function rangeIn(header: string | undefined): { first?: string; last?: string; total: string } {
  const [, first, last, total] = /^bytes (?:\*|(\d+)-(\d+|\*))\/(\d+|\*)$/.exec(header ?? '') ?? [];
  if (total === undefined || (last !== '*' && Number(first) > Number(last)))
    throw new Violation(`Invalid Content-Range "${header}"`);
  return first === undefined || last === undefined ? { total } : { first, last, total };
}

/** Takes a request's bytes. @returns whether the upload is complete @throws Violation */
export function takeChunk(session: Session, range: string | undefined, body: Buffer): boolean {
  const { first, last, total } = rangeIn(range);
  const { size = Number(total) } = session;
  if (total !== '*' && Number(total) !== size)
    throw new Violation('Content-Range has another size than was announced');
  if (first === undefined) {
    if (body.length > 0) throw new Violation('A status query has no content');
    return false;
  }
  const start = Number(first);
  if (start !== session.stored.length)
    throw new Violation(`The upload's offset is ${session.stored.length}, not ${start}`);
  if (last !== '*' && Number(last) - start + 1 !== body.length)
    throw new Violation('Content-Range does not fit the content');
  // A client that streams knows neither the end nor, often, the size.
  const isLast = last === '*' || (total !== '*' && start + body.length === size);
  if (start + body.length > size) throw new Violation('There is more content than was announced');
  if (!isLast && (body.length === 0 || body.length % UNIT !== 0))
    throw new Violation(`A chunk of ${body.length} bytes is not a multiple of ${UNIT}`);
  session.stored = Buffer.concat([session.stored, body]);
  return isLast;
}

/** Keeps of a chunk whose connection was lost what the service would keep. */
export function takePart(session: Session, range: string | undefined, received: Buffer): void {
  const [, first] = /^bytes (\d+)-/.exec(range ?? '') ?? [];
  if (Number(first ?? -1) !== session.stored.length) return;
  const kept = received.subarray(0, received.length - (received.length % UNIT));
  session.stored = Buffer.concat([session.stored, kept]);
}

/** Digests of an X-Goog-Hash header. */
export function digestsIn(header: string | undefined): Session['said'] {
  const pick = (name: string) => new RegExp(`\\b${name}=([\\w+/]+=*)`).exec(header ?? '')?.[1];
  const [md5Hash, crc32c] = [pick('md5'), pick('crc32c')];
  return { ...(md5Hash === undefined ? {} : { md5Hash }), ...(crc32c === undefined ? {} : { crc32c }) };
}
