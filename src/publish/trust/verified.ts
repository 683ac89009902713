import type { Artifact, SignedStatement } from './evidence.ts';
import type { IdentityProof } from './keyless.ts';
import type { KeyProof } from './openpgp.ts';
import { PREDICATES } from './statement.ts';

/** What is proved about a file. */
export interface Verified {
  file: string;
  sha256: string;
  signatures: (
    | { by: 'key'; fingerprint: string; signer: string; sums: string }
    | ({ by: 'identity'; signedAt: string; statement: string } & Omit<
        IdentityProof,
        'statement' | 'signedAt'
      >)
  )[];
  /** The predicates of the statements that were found. Null: there is none. */
  provenance: Record<string, unknown> | null;
  tests: Record<string, unknown> | null;
}

/** Puts proofs together. At least one is given. */
export function verifiedOf(
  { name, sha256 }: Artifact,
  key: KeyProof | undefined,
  identities: readonly IdentityProof[],
): Verified {
  const statements: SignedStatement[] = [
    ...identities.map(({ statement }) => statement),
    ...(key?.statements ?? []),
  ];
  const predicate = (type: string) =>
    statements.find((each) => each.predicateType === type)?.predicate ?? null;
  return {
    file: name,
    sha256,
    signatures: [
      ...identities.map(({ statement, signedAt, ...own }) => ({
        by: 'identity' as const,
        signedAt: signedAt.toISOString(),
        statement: statement.predicateType,
        ...own,
      })),
      ...(key === undefined
        ? []
        : [{ by: 'key' as const, fingerprint: key.fingerprint, signer: key.signer, sums: key.sums }]),
    ],
    provenance: predicate(PREDICATES.provenance),
    tests: predicate(PREDICATES.tests),
  };
}
