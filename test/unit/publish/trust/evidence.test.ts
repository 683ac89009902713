import { describe, expect, it } from 'vitest';
import { requireAbout, requireListed } from '../../../../src/publish/trust/evidence.ts';
import {
  type ExpectedIdentity,
  GITHUB_ISSUER,
  identityProblem,
} from '../../../../src/publish/trust/identity.ts';
import { PREDICATES, parseStatement, statementOf } from '../../../../src/publish/trust/statement.ts';
import { formatTrustSums, isSameName, parseSums } from '../../../../src/publish/trust/sums.ts';
import { sha } from '../../ui/manifest-fixture.ts';

const NAME = 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb';
const artifact = { name: NAME, sha256: sha('deb') };

/** The error code of a function that must throw. */
function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
}

describe('names', () => {
  it.each([
    NAME,
    `./${NAME}`,
    'coturn_4.18.0.turnbuild-1.deb13_amd64.deb',
    'coturn_4.18.0%2Bturnbuild-1%7Edeb13_amd64.deb',
    'coturn_4.18.0+turnbuild-1.deb13_amd64.deb',
  ])('%s is the same file', (name) => expect(isSameName(name, NAME)).toBe(true));

  it.each([
    'coturn_4.17.0+turnbuild-1~deb13_amd64.deb',
    'coturn_4.18.0+turnbuild-11~deb13_amd64.deb',
    'coturn_4.18.0+turnbuild-1~deb13_arm64.deb',
    'coturn-dbgsym_4.18.0+turnbuild-1~deb13_amd64.deb',
    '',
  ])('%j is another one', (name) => expect(isSameName(name, NAME)).toBe(false));
});

describe('SHA256SUMS', () => {
  it('is read as it is written, and as sha256sum writes it', () => {
    const files = [
      { name: 'a b', sha256: sha('a') },
      { name: 'c', sha256: sha('c') },
    ];
    expect(parseSums(formatTrustSums([...files, ...files].reverse()))).toEqual(files);
    expect(parseSums(`${sha('a')} *a b\n# no\n${sha('c')}  c`)).toEqual(files);
  });

  it.each([
    [undefined, [artifact]],
    ['ARTIFACT_NOT_ATTESTED', []],
    ['ARTIFACT_NOT_ATTESTED', [{ name: NAME, sha256: sha('other') }]],
    ['ARTIFACT_RENAMED', [{ name: NAME.replace('4.18.0', '4.17.0'), sha256: sha('deb') }]],
  ])('%s', (code, files) => {
    expect(codeOf(() => requireListed(artifact, formatTrustSums(files), 'SHA256SUMS'))).toBe(code);
  });
});

describe('a statement', () => {
  const about = (name: string, sha256: string, type: string = PREDICATES.provenance, predicate = {}) =>
    statementOf<Record<string, unknown>>(type, [{ name, digest: { sha256 } }], predicate);

  it.each([
    [undefined, about(NAME, sha('deb'))],
    [undefined, about(NAME, sha('deb'), PREDICATES.tests, { result: 'WARNED' })],
    ['ARTIFACT_NOT_ATTESTED', about(NAME, sha('other'))],
    ['ARTIFACT_RENAMED', about('other.deb', sha('deb'))],
    ['STATEMENT_UNKNOWN', about(NAME, sha('deb'), 'https://slsa.dev/provenance/v0.2')],
    ['ARTIFACT_FAILED', about(NAME, sha('deb'), PREDICATES.tests, { result: 'FAILED' })],
    ['ARTIFACT_FAILED', about(NAME, sha('deb'), PREDICATES.tests)],
  ])('%s', (code, statement) => expect(codeOf(() => requireAbout(artifact, statement, 'it'))).toBe(code));

  it.each([
    'x',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...about(NAME, sha('deb')), subject: [] }),
    JSON.stringify({ ...about(NAME, sha('deb')), _type: 'https://in-toto.io/Statement/v0.1' }),
    JSON.stringify(about(NAME, sha('deb').toUpperCase())),
    JSON.stringify(about(NAME, 'abc')),
    JSON.stringify({ ...about(NAME, sha('deb')), predicate: null }),
  ])('is refused: %s', (text) => expect(codeOf(() => parseStatement('it', text))).toBe('STATEMENT_INVALID'));
});

describe('an identity', () => {
  const repository = 'https://github.com/example/coturn-packages';
  const signer = {
    identity: `${repository}/.github/workflows/release.yml@refs/heads/main`,
    issuer: GITHUB_ISSUER,
    repository,
  };
  const expected = (more: Partial<ExpectedIdentity>): ExpectedIdentity => ({
    ...{ issuer: GITHUB_ISSUER, identity: undefined, pattern: undefined, repository: undefined },
    ...more,
  });
  const elsewhere = {
    ...signer,
    identity: 'https://github.com/turnbuild/turnbuild/.github/workflows/release.yml@v1',
  };

  it.each([
    [expected({ repository: 'example/coturn-packages' }), signer],
    [expected({ repository: 'Example/Coturn-Packages' }), signer],
    [expected({ identity: signer.identity }), signer],
    [expected({ pattern: /^https:\/\/github\.com\/example\/.*$/ }), signer],
    [expected({ repository: 'example/coturn-packages', identity: elsewhere.identity }), elsewhere],
    [
      expected({ issuer: 'https://example.org', identity: elsewhere.identity }),
      { ...elsewhere, issuer: 'https://example.org' },
    ],
  ])('%# is the expected one', (given, found) => expect(identityProblem(given, found)).toBeUndefined());

  it.each([
    ['issued by', expected({ repository: 'example/coturn-packages', issuer: 'https://example.org' }), signer],
    ['not for https://github.com/example/coturn', expected({ repository: 'example/coturn' }), signer],
    [
      'no repository',
      expected({ repository: 'example/coturn-packages' }),
      { ...signer, repository: undefined },
    ],
    ['another repository', expected({ repository: 'example/coturn-packages' }), elsewhere],
    [
      'another repository',
      expected({ repository: 'example/coturn-packages' }),
      { ...signer, identity: `${repository}-evil/.github/workflows/release.yml@refs/heads/main` },
    ],
    ['--identity', expected({ repository: 'example/coturn-packages' }), elsewhere],
    ['pass --repository', expected({ identity: elsewhere.identity }), elsewhere],
    ['pass --repository', expected({ pattern: /^https:.*$/ }), elsewhere],
    ['pass --repository', expected({ identity: signer.identity }), { ...signer, repository: undefined }],
    ['not by', expected({ identity: `${repository}/.github/workflows/release.yml` }), signer],
    ['does not match', expected({ pattern: /^https:\/\/github\.com\/other\/.*$/ }), signer],
    [
      'not for',
      expected({ repository: 'example/coturn-packages', identity: signer.identity }),
      { ...signer, repository: 'https://github.com/other/coturn' },
    ],
  ])('is another one: %s', (words, given, found) => expect(identityProblem(given, found)).toContain(words));
});
