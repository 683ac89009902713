/** Issuer of the identities of GitHub Actions. */
export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com';

/** Who must have signed keylessly. Everything that is given must hold. */
export interface ExpectedIdentity {
  issuer: string;
  /** The whole identity, e.g. `https://github.com/example/coturn-packages/.github/workflows/release.yml@refs/heads/main`. */
  identity: string | undefined;
  /** A pattern of the whole identity, with anchors. */
  pattern: RegExp | undefined;
  /** `owner/name` on GitHub: the workflow ran for this repository. It also belongs to it, unless `identity` or `pattern` says otherwise. */
  repository: string | undefined;
}

/** What a certificate says about who signed: src/io/sigstore-bundle.ts. */
interface Signer {
  identity: string;
  issuer: string;
  repository: string | undefined;
}

/** Why a signer is not the expected one; undefined if it is. */
export function identityProblem(expected: ExpectedIdentity, signer: Signer): string | undefined {
  const { issuer, identity, pattern, repository } = expected;
  if (signer.issuer !== issuer) return `its identity was issued by ${signer.issuer}, not by ${issuer}`;
  if (identity !== undefined && signer.identity !== identity)
    return `it was signed by ${signer.identity}, not by ${identity}`;
  if (pattern !== undefined && !pattern.test(signer.identity))
    return `it was signed by ${signer.identity}, which does not match ${pattern.source}`;
  if (repository === undefined) return undefined;
  // GitHub ignores case in names of repositories.
  const url = `https://github.com/${repository}`.toLowerCase();
  if (signer.repository?.toLowerCase() !== url)
    return `it was signed for ${signer.repository ?? 'no repository'}, not for ${url}`;
  if (identity === undefined && pattern === undefined && !signer.identity.toLowerCase().startsWith(`${url}/`))
    return `it was signed by ${signer.identity}, a workflow of another repository than ${url}; if that is right, pass --identity`;
  return undefined;
}
