import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { EXIT, usageError } from '../errors.ts';
import { runProcess } from '../io/exec.ts';
import { exists, sha256File } from '../io/files.ts';
import { withWorkFolder } from '../io/work-folder.ts';
import { parseFingerprint } from '../publish/signing-key.ts';
import { type ExpectedIdentity, GITHUB_ISSUER } from '../publish/trust/identity.ts';
import { verifyBundles } from '../publish/trust/keyless.ts';
import { TRUST_FOLDER } from '../publish/trust/names.ts';
import { verifySums } from '../publish/trust/openpgp.ts';
import { BUILD_TYPE } from '../publish/trust/provenance.ts';
import { verifiedOf } from '../publish/trust/verified.ts';
import type { Output } from '../ui/output.ts';
import { renderVerified } from '../ui/verified.ts';

/** Options of `turnbuild verify-artifact`. */
export interface VerifyArtifactOptions {
  json?: boolean;
  signedBy?: string;
  key?: string;
  repository?: string;
  identity?: string;
  identityRegexp?: string;
  issuer?: string;
  trustedRoot?: string;
  bundle?: string[];
}

/** `turnbuild verify-artifact`: proves who published a file, what it was built from, and which checks it passed. Offline. */
export async function verifyArtifact(
  file: string,
  options: VerifyArtifactOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const identity = identityOption(options);
  const fingerprint =
    options.signedBy === undefined ? undefined : parseFingerprint(options.signedBy, '--signed-by');
  requireExpectation(identity, fingerprint, options);
  if (!(await exists(file))) throw usageError('ARTIFACT_NOT_FOUND', `File not found: ${file}`);
  const artifact = { name: basename(file), sha256: await sha256File(file) };
  const dir = dirname(file);
  const folders = [dir, join(dir, TRUST_FOLDER), join(dir, '..', TRUST_FOLDER)];
  const { bundle: bundles, trustedRoot, key } = options;
  for (const each of [...(bundles ?? []), ...(trustedRoot === undefined ? [] : [trustedRoot])])
    if (!(await exists(each))) throw usageError('ARGUMENT_INVALID', `File not found: ${each}`);
  // Both, if both are given: an option that is ignored would look like a proof.
  const identities =
    identity === undefined
      ? []
      : await verifyBundles(artifact, identity, {
          folders,
          ...(bundles === undefined ? {} : { bundles }),
          ...(trustedRoot === undefined ? {} : { trustedRoot }),
        });
  const proof =
    fingerprint === undefined
      ? undefined
      : await withWorkFolder(tmpdir(), 'turnbuild-verify', (work) =>
          verifySums(artifact, { fingerprint, file: key }, folders, { exec: runProcess, signal, work }),
        );
  const verified = verifiedOf(artifact, proof, identities);
  for (const line of renderVerified(verified, BUILD_TYPE)) output.line(line);
  if (options.json === true) output.data(verified);
  return EXIT.ok;
}

/** Without an expected signer, any signature would do, also that of an attacker. */
function requireExpectation(
  identity: ExpectedIdentity | undefined,
  fingerprint: string | undefined,
  { key, bundle, trustedRoot }: VerifyArtifactOptions,
): void {
  if (identity === undefined && (bundle !== undefined || trustedRoot !== undefined))
    throw usageError(
      'SIGNER_MISSING',
      '--bundle and --trusted-root require the identity that must have signed',
      'Pass --repository OWNER/NAME, or --identity with --issuer.',
    );
  if (fingerprint === undefined && key !== undefined)
    throw usageError(
      'SIGNER_MISSING',
      '--key requires the fingerprint of the key',
      'Pass --signed-by FINGERPRINT. Get it from the publisher through a channel other than the download.',
    );
  if (identity !== undefined || fingerprint !== undefined) return;
  throw usageError(
    'SIGNER_MISSING',
    'No expected signer was given, so nothing was verified',
    'Pass --repository OWNER/NAME (built by a workflow of that GitHub repository), --identity and --issuer (another keyless identity), or --signed-by FINGERPRINT (an OpenPGP key).',
  );
}

/** @throws OPTION_INVALID, OPTION_CONFLICT, ARGUMENT_MISSING */
function identityOption({
  repository,
  identity,
  identityRegexp,
  issuer,
}: VerifyArtifactOptions): ExpectedIdentity | undefined {
  if (repository === undefined && identity === undefined && identityRegexp === undefined) {
    if (issuer === undefined) return undefined;
    throw usageError('ARGUMENT_MISSING', '--issuer requires --identity, --identity-regexp or --repository');
  }
  if (repository !== undefined && !/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw usageError('OPTION_INVALID', `Invalid --repository "${repository}": expected OWNER/NAME`);
  if (issuer === undefined && repository === undefined)
    throw usageError(
      'ARGUMENT_MISSING',
      '--issuer is missing: who issued the identity',
      `For GitHub Actions: ${GITHUB_ISSUER}. With --repository, this is the default.`,
    );
  return {
    issuer: issuer ?? GITHUB_ISSUER,
    identity,
    pattern: identityRegexp === undefined ? undefined : patternOption(identityRegexp),
    repository,
  };
}

function patternOption(word: string): RegExp {
  try {
    // Alone first: `a)|(?:b` is valid only inside other parentheses, and would match more than a whole identity.
    new RegExp(word);
    return new RegExp(`^(?:${word})$`);
  } catch {
    throw usageError('OPTION_INVALID', `Invalid --identity-regexp "${word}": not a regular expression`);
  }
}
