import type { Artifact, SignedStatement } from './evidence.ts';
import type { IdentityProof } from './keyless.ts';
import type { KeyProof } from './openpgp.ts';
import { PREDICATES } from './statement.ts';

/** What is proved about a file. */
export interface Verified {
  file: string;
  sha256: string;
  signatures: (
    | ({ by: 'key' } & Omit<KeyProof, 'statements' | 'missing'>)
    | ({ by: 'identity'; signedAt: string; statement: string } & Omit<
        IdentityProof,
        'statement' | 'signedAt'
      >)
  )[];
  /** The predicates of the statements that were found. Null: there is none. */
  provenance: Record<string, unknown> | null;
  tests: Record<string, unknown> | null;
  /** Statements that are listed in SHA256SUMS but missing, of a kind of which none was found. They may be about other files. */
  missing: string[];
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
  const [provenance, tests] = [predicate(PREDICATES.provenance), predicate(PREDICATES.tests)];
  const isUnknown = (file: string) => (file.endsWith('.tests.json') ? tests : provenance) === null;
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
      ...(key === undefined ? [] : [{ by: 'key' as const, ...keySignature(key) }]),
    ],
    provenance,
    tests,
    missing: key?.missing.filter(isUnknown) ?? [],
  };
}

const keySignature = ({ fingerprint, signer, userId, sums, isKeyFromDownload }: KeyProof) => ({
  ...{ fingerprint, signer, userId, sums, isKeyFromDownload },
});
