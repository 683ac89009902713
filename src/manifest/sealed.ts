import type { z } from 'zod';
import { TurnbuildError } from '../errors.ts';
import { escapedJson } from './escaped-json.ts';

/** Digest of a text, lower-case hex. */
export type Sha256 = (text: string) => string;

/** A kind of document that turnbuild writes and reads again. */
export interface DocumentKind<T> {
  /** Its name in messages, e.g. `manifest`. */
  name: string;
  /** The newest supported schema. */
  schema: number;
  shape: z.ZodType<T>;
  codes: { invalid: string; newer: string; changed: string };
  /** What to do about a document that cannot be used. */
  hint: string;
  /** Converts a document of each older schema that is supported to the next one: schema -> conversion. */
  upgrades?: Readonly<Record<number, (document: object) => object>>;
}

/**
 * Document -> its text, with a digest of its content. The digest reveals damage and manual edits. It is not a signature: anyone can
 * recompute it.
 */
export function sealed(document: object, sha256: Sha256): string {
  return `${escapedJson(JSON.stringify({ ...document, digest: digestOf(document, sha256) }, null, 2))}\n`;
}

/** The digest of a document. It depends on the content and its order. */
export function digestOf(document: object, sha256: Sha256): string {
  return sha256(JSON.stringify(document));
}

/** Text of a sealed document -> document. @throws its kind's error codes, with the file in the message */
export function unsealed<T>(kind: DocumentKind<T>, file: string, text: string, sha256: Sha256): T {
  const { name, codes, hint } = kind;
  const changed = () =>
    new TurnbuildError(
      codes.changed,
      `${file} was modified after turnbuild wrote it: its digest does not match its content`,
      { hint },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TurnbuildError(codes.invalid, `${file} is not JSON`, { cause: error, hint });
  }
  const schema = (value as { schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > kind.schema) {
    throw new TurnbuildError(
      codes.newer,
      `${file} has schema ${schema}, but this turnbuild supports schema ${kind.schema}`,
      { hint: 'Use the turnbuild version that wrote it, or a newer one.' },
    );
  }
  const { digest, ...written } = (value ?? {}) as { digest?: unknown };
  const old = typeof schema === 'number' && schema < kind.schema;
  if (old && kind.upgrades?.[schema] === undefined) {
    throw new TurnbuildError(
      codes.invalid,
      `${file} was written by an older turnbuild: it has schema ${schema}, but this one supports schema ${kind.schema}`,
      { hint },
    );
  }
  const fits = digest === digestOf(written, sha256);
  // Upgrade only unmodified documents: others may lack the expected members.
  if (old && !fits) throw changed();
  const document = old ? upgraded(kind, written, schema) : written;
  const result = kind.shape.safeParse(document);
  if (!result.success) {
    const issues = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new TurnbuildError(
      codes.invalid,
      `${file} is not a valid ${name} of turnbuild:\n${issues.join('\n')}`,
      { hint },
    );
  }
  // Not zod's result: a different order of members would change the digest.
  if (fits) return document as T;
  throw changed();
}

function upgraded<T>(
  { schema: newest, upgrades }: DocumentKind<T>,
  document: object,
  schema: number,
): object {
  let result = document;
  for (let at = schema; at < newest; at += 1) result = upgrades?.[at]?.(result) ?? result;
  return result;
}
