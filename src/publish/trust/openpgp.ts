import { basename, dirname, join } from 'node:path';
import { TurnbuildError, usageError } from '../../errors.ts';
import type { Exec } from '../../io/exec.ts';
import { exists, naming, sha256Text, writeText } from '../../io/files.ts';
import { dearmored, gpgv } from '../../io/gpgv.ts';
import { readRegular } from '../../io/regular-file.ts';
import { KEY_FILE } from '../key-file.ts';
import { type Artifact, isAbout, requireAbout, requireListed, type SignedStatement } from './evidence.ts';
import { SIGNATURE_FILE, SUMS_FILE } from './names.ts';
import { parseStatement } from './statement.ts';
import { parseSums } from './sums.ts';

/** Whose OpenPGP signature is required. */
export interface ExpectedKey {
  /** Of the primary key, upper-case hex. */
  fingerprint: string;
  /**
   * File of the public key; by default key.asc beside the signature. The fingerprint proves whose it is, but not that it is complete: whoever
   * can replace it can leave out a revocation, or take an older copy with another expiry.
   */
  file: string | undefined;
}

/** A signature of SHA256SUMS that covers a file. */
export interface KeyProof {
  /** Fingerprints of the primary key, and of the key or subkey that signed. */
  fingerprint: string;
  signer: string;
  /** The name of the key, as its owner has certified it. */
  userId: string | undefined;
  /** Path of SHA256SUMS. */
  sums: string;
  /** Whether the public key came with the file, so that it says nothing reliable about revocation and expiry. */
  isKeyFromDownload: boolean;
  /** Statements about the file that SHA256SUMS lists, and that are beside it. */
  statements: SignedStatement[];
  /** Names of the statements that SHA256SUMS lists, but that are not beside it. Nothing says which files they are about. */
  missing: string[];
}

const MAX_FILE = 4 * 1024 ** 2;
const read = async (file: string) => naming(file, readRegular(file, MAX_FILE));

/**
 * Requires that a key has signed a SHA256SUMS which lists a file.
 * @param folders where SHA256SUMS may be
 * @param work an existing folder for temporary files
 * @throws SIGNATURE_MISSING, SIGNATURE_INVALID, SIGNER_DIFFERS, KEY_NOT_FOUND, GPGV_MISSING, and the errors of requireListed and requireAbout
 */
export async function verifySums(
  artifact: Artifact,
  key: ExpectedKey,
  folders: readonly string[],
  { exec, signal, work }: { exec: Exec; signal: AbortSignal; work: string },
): Promise<KeyProof> {
  const folder = await signedFolder(folders, artifact);
  const file = join(folder, SUMS_FILE);
  // gpgv and this program must read the same bytes.
  const copy = join(work, SUMS_FILE);
  const sums = await read(file);
  await writeText(copy, sums);
  // gpgv refuses anything but a detached signature, e.g. a signed text of its own.
  await writeText(join(work, SIGNATURE_FILE), await read(join(folder, SIGNATURE_FILE)));
  const keyring = join(work, 'keyring.gpg');
  const keyFile = key.file ?? join(folder, KEY_FILE);
  if (!(await exists(keyFile)))
    throw usageError('KEY_NOT_FOUND', `There is no public key: ${keyFile}`, 'Pass its file with --key.');
  await writeText(keyring, dearmored(await read(keyFile)));
  const found = await gpgv(exec, ['--keyring', keyring, join(work, SIGNATURE_FILE), copy], signal);
  const { signer, primary, userId } = found;
  if (signer === undefined || primary === undefined)
    throw signatureError(join(folder, SIGNATURE_FILE), key.fingerprint, keyFile, found.stderr);
  if (primary !== key.fingerprint)
    throw new TurnbuildError(
      'SIGNER_DIFFERS',
      `${file} is signed by the key ${primary}, not by ${key.fingerprint}`,
      {
        hint: 'Ask the publisher for the fingerprint, through a channel other than the download.',
      },
    );
  requireListed(artifact, sums.toString(), file);
  return {
    ...{ fingerprint: primary, signer, userId, sums: file, isKeyFromDownload: key.file === undefined },
    ...(await statementsIn(folder, sums.toString(), artifact)),
  };
}

async function signedFolder(folders: readonly string[], { name }: Artifact): Promise<string> {
  let unsigned: string | undefined;
  for (const folder of folders) {
    if (!(await exists(join(folder, SUMS_FILE)))) continue;
    if (await exists(join(folder, SIGNATURE_FILE))) return folder;
    unsigned ??= join(folder, SUMS_FILE);
  }
  throw new TurnbuildError(
    'SIGNATURE_MISSING',
    unsigned === undefined ? `There is no ${SUMS_FILE} beside ${name}` : `${unsigned} is not signed`,
    { hint: `Download ${SUMS_FILE} and ${SIGNATURE_FILE} of the release into the folder of the file.` },
  );
}

/** Why gpgv trusts no signature: its status lines (GnuPG, doc/DETAILS). */
function signatureError(file: string, fingerprint: string, keyFile: string, status: string): TurnbuildError {
  const word = (name: string) => new RegExp(`^\\[GNUPG:\\] ${name} (\\S+)`, 'm').exec(status)?.[1];
  const other = word('NO_PUBKEY');
  if (other !== undefined && word('BADSIG') === undefined)
    return new TurnbuildError(
      'SIGNER_DIFFERS',
      `${file} is signed by the key ${other}, which is not in ${keyFile}`,
      {
        hint: `--key must be the file of the public key ${fingerprint}.`,
      },
    );
  const expired = word('EXPKEYSIG') ?? word('EXPSIG');
  const revoked = word('REVKEYSIG');
  const why =
    revoked !== undefined
      ? `its key ${revoked} is revoked`
      : expired !== undefined
        ? `its key ${expired} has expired`
        : word('BADSIG') !== undefined
          ? `${SUMS_FILE} was changed after it was signed`
          : lastMessage(status);
  return new TurnbuildError('SIGNATURE_INVALID', `The signature ${file} is not valid: ${why}`, {
    hint: 'Download the files again. If a key has expired, its owner may have extended it: get the public key again.',
  });
}

/** The last message of gpgv for people. */
function lastMessage(status: string): string {
  const lines = status.split('\n').filter((line) => line.startsWith('gpgv: '));
  return lines.at(-1)?.slice('gpgv: '.length) ?? 'it has no signature with a strong hash';
}

/** The statements about a file among those that SHA256SUMS lists. @throws STATEMENT_CHANGED */
async function statementsIn(
  folder: string,
  sums: string,
  artifact: Artifact,
): Promise<Pick<KeyProof, 'statements' | 'missing'>> {
  const statements: SignedStatement[] = [];
  const missing: string[] = [];
  for (const { name, sha256 } of parseSums(sums)) {
    const file = join(folder, name);
    if (!/\.(?:provenance|tests)\.json$/.test(name) || name !== basename(name)) continue;
    if (!(await exists(file))) {
      missing.push(name);
      continue;
    }
    const text = (await read(file)).toString();
    if (sha256Text(text) !== sha256)
      throw new TurnbuildError(
        'STATEMENT_CHANGED',
        `${file} is not the file in ${dirname(file)}/${SUMS_FILE}`,
        {
          hint: 'It was changed, or belongs to another release. Download it again.',
        },
      );
    const statement = parseStatement(file, text);
    if (!isAbout(statement, artifact)) continue;
    requireAbout(artifact, statement, file);
    statements.push(statement);
  }
  return { statements, missing };
}
