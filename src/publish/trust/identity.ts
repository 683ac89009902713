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

/**
 * Why a signer is not the expected one; undefined if it is. The identity of a workflow on GitHub is that of the called workflow, which every
 * repository can call if it is public. So the repository that called it must be the workflow's own, or a given one.
 */
export function identityProblem(expected: ExpectedIdentity, signer: Signer): string | undefined {
  const { issuer, identity, pattern, repository } = expected;
  if (signer.issuer !== issuer) return `its identity was issued by ${signer.issuer}, not by ${issuer}`;
  if (identity !== undefined && signer.identity !== identity)
    return `it was signed by ${signer.identity}, not by ${identity}`;
  if (pattern !== undefined && !pattern.test(signer.identity))
    return `it was signed by ${signer.identity}, which does not match ${pattern.source}`;
  if (repository === undefined)
    return issuer === GITHUB_ISSUER && !isOwnWorkflow(signer)
      ? `a workflow of another repository was called by ${signer.repository ?? 'an unknown repository'}: pass --repository with the one that you expect`
      : undefined;
  // GitHub ignores case in names of repositories.
  const url = `https://github.com/${repository}`.toLowerCase();
  if (signer.repository?.toLowerCase() !== url)
    return `it was signed for ${signer.repository ?? 'no repository'}, not for ${url}`;
  if (identity === undefined && pattern === undefined && !isOwnWorkflow(signer))
    return `it was signed by ${signer.identity}, a workflow of another repository. If you trust that workflow, pass --repository ${repository} --identity '${signer.identity}'`;
  return undefined;
}

/** Whether the workflow belongs to the repository that it ran for. */
function isOwnWorkflow({ identity, repository }: Signer): boolean {
  return repository !== undefined && identity.toLowerCase().startsWith(`${repository.toLowerCase()}/`);
}
