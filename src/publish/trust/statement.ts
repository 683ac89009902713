import { z } from 'zod';
import { TurnbuildError } from '../../errors.ts';
import { sha256 } from '../../manifest/source.ts';

/** Content type of a statement in a DSSE envelope (in-toto Attestation Framework, spec/v1/envelope.md). */
export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** Predicate types of turnbuild's statements. */
export const PREDICATES = {
  /** How files were built: https://slsa.dev/spec/v1.0/provenance */
  provenance: 'https://slsa.dev/provenance/v1',
  /** Which checks they passed: in-toto Attestation Framework, spec/predicates/test-result.md */
  tests: 'https://in-toto.io/attestation/test-result/v0.1',
} as const;

/**
 * A file or another resource. At least one of `uri` and `digest` is given (in-toto Attestation Framework, spec/v1/resource_descriptor.md).
 * A digest is that of the resource's bytes.
 */
export interface Resource {
  name?: string;
  uri?: string;
  digest?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, unknown>>;
}

/** A file that a statement is about. */
export interface Subject {
  name: string;
  digest: { sha256: string };
  annotations?: Readonly<Record<string, unknown>>;
}

/** An in-toto statement: in-toto Attestation Framework, spec/v1/statement.md. */
export interface Statement<P = unknown> {
  _type: 'https://in-toto.io/Statement/v1';
  subject: readonly Subject[];
  predicateType: string;
  predicate: P;
}

export function statementOf<P>(
  predicateType: string,
  subject: readonly Subject[],
  predicate: P,
): Statement<P> {
  return { _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate };
}

/** A statement as text. The same statement always gives the same text. */
export function formatStatement(statement: Statement): string {
  return `${JSON.stringify(statement, null, 2)}\n`;
}

const statementSchema = z.looseObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z
    .array(
      z.looseObject({
        name: z.string().min(1),
        digest: z.looseObject({ sha256 }),
      }),
    )
    .min(1),
  predicateType: z.string().min(1),
  predicate: z.looseObject({}),
});

/**
 * Text -> statement, of any predicate type.
 * @param where the text comes from, for the message
 * @throws STATEMENT_INVALID
 */
export function parseStatement(where: string, text: string): Statement<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(where, 'it is not JSON', error);
  }
  const result = statementSchema.safeParse(value);
  if (result.success) return result.data as Statement<Record<string, unknown>>;
  const [issue] = result.error.issues;
  throw invalid(where, `${issue?.path.join('.')}: ${issue?.message}`, result.error);
}

function invalid(where: string, why: string, cause: unknown): TurnbuildError {
  return new TurnbuildError(
    'STATEMENT_INVALID',
    `${where} is not an in-toto statement with SHA-256 digests: ${why}`,
    {
      cause,
      hint: 'Download it again. Statements of turnbuild are made by `turnbuild attest`.',
    },
  );
}
