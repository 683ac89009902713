import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderVerified } from '../../../src/ui/verified.ts';

type Verified = Parameters<typeof renderVerified>[0];
type Members = Record<string, unknown>;

const TYPE = 'https://github.com/turnbuild/turnbuild/blob/main/docs/verifying.md#build-type';
const HEX = '8fba86e5a4cb3a7bd4eb9a9b5b0ef5bd1d2a3c8c7e2f7b1c8a1b6f0e9d3c5a70';
const KEY = {
  by: 'key',
  fingerprint: '0123456789ABCDEF0123456789ABCDEF01234567',
  signer: '0123456789ABCDEF0123456789ABCDEF01234567',
  userId: 'Packages <packages@example.org>',
  isKeyFromDownload: false,
} as const;
const IDENTITY = {
  by: 'identity',
  identity: 'https://github.com/turnbuild/turnbuild/.github/workflows/pipeline.yml@refs/tags/v0.1.0',
  issuer: 'https://token.actions.githubusercontent.com',
  signedAt: '2026-11-28T00:09:12.000Z',
  repository: 'https://github.com/example/coturn-packages',
  commit: '52b0c7ad6d164359822c4d281ff7e25758aae11d',
  run: undefined,
} as const;
const SOURCES = [
  {
    name: 'coturn 4.18.0, source tarball',
    digest: { sha256: HEX },
    annotations: { provider: 'github', location: 'github.com/coturn/coturn 4.18.0' },
  },
];
const RECIPES = [
  {
    ...{ name: 'recipes, git commit', uri: 'git+https://github.com/example/coturn-packages' },
    ...{ digest: { gitCommit: IDENTITY.commit }, annotations: { modified: false } },
  },
  { name: 'turnbuild 0.1.0', uri: 'pkg:npm/turnbuild@0.1.0' },
];
const BASES = [
  {
    name: 'base image trixie-arm64',
    digest: { sha256: HEX.replace('8f', 'fe') },
    annotations: { origin: 'bootstrapped', packages: Object.fromEntries([...Array(179).keys()].entries()) },
  },
];

const provenance = (resolvedDependencies: unknown[]): Members => ({
  buildDefinition: {
    buildType: TYPE,
    externalParameters: { coturn: '4.18.0', revision: 1, target: 'debian-13', arch: 'arm64' },
    internalParameters: {
      steps: [{ id: 'build:debian-13:arm64', inputs: { recipe: HEX.replace('8f', '16') } }],
    },
    resolvedDependencies,
  },
  runDetails: {
    builder: { id: 'https://github.com/turnbuild/turnbuild', version: { turnbuild: '0.1.0' } },
    metadata: { finishedOn: '2026-11-28T00:05:03Z' },
  },
});
const tests = (of: Members = {}): Members => ({
  ...{ result: 'PASSED', configuration: [{}], passedTests: Array(76).fill('a check') },
  ...{ warnedTests: [], failedTests: [] },
  ...of,
});
const lines = (of: Partial<Verified> = {}) =>
  renderVerified(
    {
      file: 'coturn_4.18.0+turnbuild-1~deb13_arm64.deb',
      ...{ sha256: HEX.replace('8f', '83'), signatures: [IDENTITY] },
      ...{ provenance: provenance([...SOURCES, ...RECIPES, ...BASES]), tests: tests(), missing: [] },
      ...of,
    },
    TYPE,
  );

describe('what was proved', () => {
  it('is as in the documentation, in lines of 80 columns', () => {
    const documented = readFileSync(new URL('../../../docs/verifying.md', import.meta.url), 'utf8');
    const example = lines().map((line) => `    ${line}`.trimEnd());
    expect(documented).toContain(example.join('\n'));
    expect(lines().filter((line) => line.length > 80)).toEqual([]);
  });

  it('begins with who signed', () => {
    expect(lines()[1]).toBe('  signed by   a workflow run of https://github.com/example/coturn-packages');
    expect(lines({ signatures: [KEY] }).slice(1, 3)).toEqual([
      '  signed by   Packages <packages@example.org>',
      `              OpenPGP key ${KEY.fingerprint}`,
    ]);
  });

  it("names the workflow's own repository once", () => {
    const identity = `${IDENTITY.repository}/.github/workflows/release.yml@refs/heads/main`;
    expect(lines({ signatures: [{ ...IDENTITY, identity }] }).slice(2, 4)).toEqual([
      '              workflow .github/workflows/release.yml',
      '              at refs/heads/main',
    ]);
  });

  it('names any other identity as it is', () => {
    const signatures = [{ ...IDENTITY, identity: 'packages@example.org', repository: undefined }];
    expect(lines({ signatures })[1]).toBe('  signed by   packages@example.org');
  });

  it('says what a key from the download does not prove', () => {
    const text = lines({ signatures: [{ ...KEY, isKeyFromDownload: true }] }).join(' ');
    expect(text.replace(/\s+/g, ' ')).toContain(
      'key.asc came with the download, so its revocation and expiry are not proved; pass --key FILE',
    );
  });

  it('says that the recipes were modified', () => {
    const [commit] = RECIPES;
    const modified = { ...commit, uri: undefined, annotations: { modified: true } };
    const text = lines({ provenance: provenance([modified]) }).join('\n');
    expect(text).toContain(
      `\n  recipes     git commit\n              with uncommitted changes, gitCommit:\n              ${IDENTITY.commit}\n`,
    );
  });

  it('says that a provenance names no source', () => {
    const text = lines({ provenance: provenance(BASES) }).join('\n');
    expect(text).toContain('\n  source      not named: not proved\n');
    expect(lines().join('\n')).not.toContain('not proved');
  });

  it.each<[Members, string]>([
    [{}, '76 passed; none failed'],
    [
      {
        warnedTests: ['drain'],
        configuration: [{ annotations: { accepted: [{ check: 'drain', advisories: ['CVE-2026-1'] }] } }],
      },
      '76 passed, 1 failed (accepted: CVE-2026-1)',
    ],
    [{ failedTests: ['drain', 'stun'] }, '76 passed, 2 failed'],
  ])('counts the checks: %j', (of, words) => {
    expect(lines({ tests: tests(of) })).toContain(`  checks      ${words}`);
  });

  it('cannot be extended by line breaks in a name', () => {
    const signatures = [{ ...KEY, userId: 'Packages\n  checks      99 passed' }];
    expect(lines({ signatures })[1]).toBe('  signed by   Packages checks 99 passed');
  });
});
