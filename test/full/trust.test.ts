import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PREDICATES } from '../../src/publish/trust/statement.ts';
import { provideCosign } from '../support/cosign.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { type Attested, attestedRelease, DEB, NAME } from '../support/sigstore/attested.ts';
import {
  ISSUER,
  REPOSITORY,
  type SigstoreServices,
  startSigstore,
  WORKFLOW,
} from '../support/sigstore/services.ts';
import { flippedOutcomes, proofOf } from '../support/sigstore/tampering.ts';

const IDENTITY = `https://github.com/${REPOSITORY}/${WORKFLOW}`;

let cosign: string;
let services: SigstoreServices;
let signed: Attested;
beforeAll(async () => {
  cosign = await provideCosign();
  services = await startSigstore();
  signed = attestedRelease(services.trustedRoot);
  expect((await signed.attest(['--sigstore'], services.environment())).code).toBe(0);
});
afterAll(() => {
  services.close();
  rmSync(signed.cwd, { recursive: true });
});

const bundleOf = (kind: 'provenance' | 'tests') => join(signed.trust, `${NAME}.${kind}.sigstore.json`);

/** What cosign, which is another implementation, says about a file. */
function judged(
  given: { file?: string; bundle?: string; type?: string; identity?: string; issuer?: string } = {},
) {
  const { file = signed.file, bundle = bundleOf('provenance'), type = PREDICATES.provenance } = given;
  const args = ['verify-blob-attestation', '--new-bundle-format', '--bundle', bundle, '--type', type];
  const expected = ['--certificate-identity', given.identity ?? IDENTITY];
  const issuer = ['--certificate-oidc-issuer', given.issuer ?? ISSUER];
  const root = ['--trusted-root', join(signed.cwd, 'root.json')];
  const { status, stderr } = spawnSync(cosign, [...args, ...expected, ...issuer, ...root, file], {
    encoding: 'utf8',
    env: { ...process.env, HOME: signed.cwd },
  });
  return { status, stderr };
}

/** The bundle with a changed statement. */
function tampered(): string {
  const bundle = JSON.parse(readFileSync(bundleOf('provenance'), 'utf8'));
  const statement = Buffer.from(bundle.dsseEnvelope.payload, 'base64')
    .toString()
    .replace('"revision": 1', '"revision": 2');
  bundle.dsseEnvelope.payload = Buffer.from(statement).toString('base64');
  const file = join(temporaryFolder(), 'tampered.sigstore.json');
  writeFileSync(file, JSON.stringify(bundle));
  return file;
}

function otherFile(): string {
  const file = join(temporaryFolder(), DEB);
  copyFileSync(join(signed.dir, 'manifest.json'), file);
  return file;
}

describe('cosign', () => {
  it.each(['provenance', 'tests'] as const)('accepts the bundle of %s', (kind) => {
    expect(judged({ bundle: bundleOf(kind), type: PREDICATES[kind] })).toEqual({
      status: 0,
      stderr: 'Verified OK\n',
    });
  });

  it.each<[string, () => Parameters<typeof judged>[0], (() => string[]) | undefined]>([
    ['a tampered bundle', () => ({ bundle: tampered() }), () => ['--bundle', tampered()]],
    ['another file', () => ({ file: otherFile() }), undefined],
    ['another identity', () => ({ identity: `${IDENTITY}x` }), () => ['--identity', `${IDENTITY}x`]],
    ['another issuer', () => ({ issuer: 'https://example.org' }), () => ['--issuer', 'https://example.org']],
  ])('refuses %s, and so does verify-artifact', async (_, given, args) => {
    expect(judged(given()).status).toBe(1);
    const root = ['--trusted-root', 'root.json', '--repository', REPOSITORY];
    const bundle = ['--bundle', bundleOf('provenance')];
    const run =
      args === undefined
        ? await signed.verify([...root, ...bundle], otherFile())
        : await signed.verify([...root, ...args()]);
    expect(run.code).toBe(1);
  });
});

it('every byte of a bundle is signed, or means nothing', async () => {
  const proof = await proofOf(readFileSync(bundleOf('tests'), 'utf8'), services.trustedRoot);
  const outcomes = await flippedOutcomes(proof, 1);
  console.log(outcomes);
  expect(outcomes.BUNDLE_UNTRUSTED).toBeGreaterThan(2000);
  expect(outcomes.BUNDLE_INVALID).toBeGreaterThan(300);
  expect(outcomes.same ?? 0).toBeLessThan(proof.bundle.length / 20);
});
