import { TurnbuildError } from '../../errors.ts';
import { PREDICATES, type Statement } from './statement.ts';
import { isSameName, parseSums } from './sums.ts';

/** The file that is verified. */
export interface Artifact {
  name: string;
  /** Lower-case hex. */
  sha256: string;
}

/** A statement that somebody has signed. */
export type SignedStatement = Statement<Record<string, unknown>>;

const KNOWN: readonly string[] = Object.values(PREDICATES);

/**
 * Requires that a signed SHA256SUMS lists a file.
 * @param where the path of SHA256SUMS, for messages
 * @throws ARTIFACT_NOT_ATTESTED, ARTIFACT_RENAMED
 */
export function requireListed({ name, sha256 }: Artifact, sums: string, where: string): void {
  const listed = parseSums(sums);
  const same = listed.filter((each) => each.sha256 === sha256);
  if (same.some((each) => isSameName(each.name, name))) return;
  const [other] = same;
  if (other !== undefined) throw renamed(name, other.name, where);
  const named = listed.find((each) => isSameName(each.name, name));
  throw notAttested(
    named === undefined
      ? `${where} does not list ${name}`
      : `${name} is not the file in ${where}: its sha256 is ${sha256}, there it is ${named.sha256}`,
  );
}

/** Whether a statement is about a file's bytes, whatever its name. */
export function isAbout({ subject }: SignedStatement, { sha256 }: Artifact): boolean {
  return subject.some(({ digest }) => digest.sha256 === sha256);
}

/**
 * Requires that a statement is about a file, is of a kind that turnbuild makes, and says nothing bad about it.
 * @param where the statement comes from, for messages
 * @throws ARTIFACT_NOT_ATTESTED, ARTIFACT_RENAMED, STATEMENT_UNKNOWN, ARTIFACT_FAILED
 */
export function requireAbout(artifact: Artifact, statement: SignedStatement, where: string): void {
  const { name, sha256 } = artifact;
  const { subject, predicateType, predicate } = statement;
  const same = subject.filter(({ digest }) => digest.sha256 === sha256);
  const [other] = same;
  if (other === undefined)
    throw notAttested(
      `${where} is about other files, not about ${name} with the sha256 ${sha256}: ${subject.map((each) => each.name).join(', ')}`,
    );
  if (!same.some((each) => isSameName(each.name, name))) throw renamed(name, other.name, where);
  if (!KNOWN.includes(predicateType))
    throw new TurnbuildError(
      'STATEMENT_UNKNOWN',
      `${where} is a statement of another kind: ${predicateType}`,
      { hint: `It proves neither origin nor checks. Expected: ${KNOWN.join(' or ')}.` },
    );
  if (predicateType === PREDICATES.tests && !['PASSED', 'WARNED'].includes(String(predicate.result)))
    throw new TurnbuildError('ARTIFACT_FAILED', `According to ${where}, ${name} failed checks`, {
      hint: 'Do not use it.',
    });
}

function notAttested(message: string): TurnbuildError {
  return new TurnbuildError('ARTIFACT_NOT_ATTESTED', message, {
    hint: 'The file was changed, or belongs to another release. Download the file and its signatures again, from the same place.',
  });
}

function renamed(name: string, published: string, where: string): TurnbuildError {
  return new TurnbuildError(
    'ARTIFACT_RENAMED',
    `${name} is not the name of this file: ${where} calls it ${published}`,
    {
      hint: 'Renaming an old package can disguise a downgrade. If you renamed the file, restore its name.',
    },
  );
}
