import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { identityToken, signKeyless, sigstoreServices } from '../../src/io/sigstore.ts';
import { includedTrustedRoots, parseTrustedRoots, verifyBundle } from '../../src/io/sigstore-bundle.ts';
import { formatStatement, PAYLOAD_TYPE, PREDICATES, statementOf } from '../../src/publish/trust/statement.ts';
import { errorOf } from '../support/sandbox.ts';
import { type SigstoreServices, startSigstore } from '../support/sigstore/services.ts';
import { flippedOutcomes, outcomeOf, type Proof, proofOf } from '../support/sigstore/tampering.ts';

const STATEMENT = formatStatement(
  statementOf(PREDICATES.provenance, [{ name: 'a.deb', digest: { sha256: sha256Text('a') } }], {}),
);

let services: SigstoreServices;
let bundle: string;
let proof: Proof;
beforeAll(async () => {
  services = await startSigstore();
  bundle = await signed(services);
  proof = await proofOf(bundle, services.trustedRoot);
});
afterAll(() => services.close());

/** A bundle of the statement. @param more environment of the job */
async function signed(by: SigstoreServices, more: Record<string, string> = {}): Promise<string> {
  const env = { ...by.environment(), ...more };
  return signKeyless(Buffer.from(STATEMENT), PAYLOAD_TYPE, await identityToken(env), sigstoreServices(env));
}

const outcome = (text: string) => outcomeOf(text, proof);

type Json = Record<string, unknown>;

/** Every member of a document, as a path. */
function pathsIn(value: unknown, path: string[] = []): string[][] {
  const own = path.length === 0 ? [] : [path];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([name, each]) => pathsIn(each, [...path, name]))];
}

/** The bundle with one member changed. */
function withMember(path: readonly string[], change: (value: unknown) => unknown): string {
  const document = JSON.parse(bundle) as Json;
  const parent = path.slice(0, -1).reduce<Json>((at, name) => at[name] as Json, document);
  const name = path.at(-1) ?? '';
  const value = change(parent[name]);
  if (value === undefined) delete parent[name];
  else parent[name] = value;
  return JSON.stringify(document);
}

describe('a bundle', () => {
  it('proves the document, its signer and the time', () => {
    const { original } = proof;
    expect(original.document.toString()).toBe(STATEMENT);
    expect(original.signer.repository).toBe('https://github.com/example/coturn-packages');
    expect(Math.abs(original.signedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it('proves a repository with a long name', async () => {
    const repository = `organization-of-a-test/${'a'.repeat(100)}`;
    const long = await signed(services, services.environment({ repository }));
    const { signer } = await verifyBundle('it', long, proof.roots);
    expect(signer.repository).toBe(`https://github.com/${repository}`);
  });

  it('of which any byte was changed is refused, or means the same', async () => {
    const { BUNDLE_INVALID = 0, BUNDLE_UNTRUSTED = 0, same = 0 } = await flippedOutcomes(proof, 17);
    expect(BUNDLE_INVALID).toBeGreaterThan(20);
    expect(BUNDLE_UNTRUSTED).toBeGreaterThan(100);
    // Names of members that may be missing, and bits that base64 does not use.
    expect(same).toBeLessThan(bundle.length / 17 / 20);
  });

  it('of which any member was changed or removed is refused, or means the same', async () => {
    const changes = [undefined, null, '', 'AAAA', '-1', 0, -1, 1e30, true, [], {}, [{}], { $case: 'x' }];
    const same = new Set<string>();
    for (const path of pathsIn(JSON.parse(bundle)))
      for (const value of changes)
        if ((await outcome(withMember(path, () => value))) === 'same') same.add(path.join('.'));
    // The log signs both of them in its checkpoint, too.
    const proofOfLog = 'verificationMaterial.tlogEntries.0.inclusionProof';
    expect([...same].sort()).toEqual([
      'verificationMaterial.timestampVerificationData',
      `${proofOfLog}.rootHash`,
      `${proofOfLog}.treeSize`,
    ]);
  });

  it.each(['', 'x', 'null', '0', '"x"', '[]', '{}', '{"mediaType":null}', '{"dsseEnvelope":{}}'])(
    'is not %j',
    async (text) => expect(await outcome(text)).toBe('BUNDLE_INVALID'),
  );

  it('without a signed time is refused: a certificate is valid for minutes', async () => {
    const entry = ['verificationMaterial', 'tlogEntries', '0'];
    const without = withMember([...entry, 'inclusionPromise'], () => undefined);
    expect(await outcome(without)).toBe('BUNDLE_UNTRUSTED');
    expect(await outcome(withMember([...entry, 'integratedTime'], (time) => String(Number(time) + 60)))).toBe(
      'BUNDLE_UNTRUSTED',
    );
    // Nobody has signed the time now, so it can be any.
    const later = without.replace(
      /"integratedTime":"(\d+)"/,
      (_, time) => `"integratedTime":"${Number(time) + 60}"`,
    );
    expect(later).not.toBe(without);
    expect(await outcome(later)).toBe('BUNDLE_UNTRUSTED');
  });

  it('is accepted with the signed time of the log, or of a timestamp authority, whatever the time is here', async () => {
    // The services' own certificates are valid from now on. Timestamps are in whole seconds.
    const clock = new Date((Math.floor(Date.now() / 1000) + 24 * 3600) * 1000);
    const later = await startSigstore({ clock });
    const roots = await parseTrustedRoots('root', later.trustedRoot);
    const stamped = await signed(later, { TURNBUILD_TSA_URL: later.url });
    later.close();
    const { document, signedAt } = await verifyBundle('it', stamped, roots);
    expect({ document: document.toString(), signedAt }).toEqual({ document: STATEMENT, signedAt: clock });
    const { verificationMaterial, ...others } = JSON.parse(stamped);
    for (const entry of verificationMaterial.tlogEntries) delete entry.inclusionPromise;
    const text = (material: object) => JSON.stringify({ ...others, verificationMaterial: material });
    expect((await verifyBundle('it', text(verificationMaterial), roots)).signedAt).toEqual(clock);
    const { timestampVerificationData, ...unstamped } = verificationMaterial;
    expect(timestampVerificationData.rfc3161Timestamps).toHaveLength(1);
    expect((await errorOf(verifyBundle('it', text(unstamped), roots))).code).toBe('BUNDLE_UNTRUSTED');
  });

  it('that another deployment has signed is refused', async () => {
    const other = await startSigstore();
    expect(await outcome(await signed(other))).toBe('BUNDLE_UNTRUSTED');
    const both = [...(await parseTrustedRoots('root', other.trustedRoot)), ...proof.roots];
    expect((await verifyBundle('it', bundle, both)).document.toString()).toBe(STATEMENT);
    other.close();
  });

  it('with a signature by another key under the same certificate is refused', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signature = sign('sha256', Buffer.from('x'), privateKey).toString('base64');
    expect(await outcome(withMember(['dsseEnvelope', 'signatures', '0', 'sig'], () => signature))).toBe(
      'BUNDLE_UNTRUSTED',
    );
  });
});

describe('another deployment', () => {
  it.each(['http://127.0.0.1:1', 'http://localhost:1/', 'https://sigstore.example.org'])(
    'may be %s',
    (url) => {
      expect(sigstoreServices({ TURNBUILD_FULCIO_URL: url }).fulcio).toBe(url.replace(/\/$/, ''));
    },
  );

  it.each([
    'http://sigstore.example.org',
    'http://127.0.0.1.example.org',
    'ftp://127.0.0.1',
    'sigstore.example.org',
  ])('is not %s', (url) => {
    for (const name of ['TURNBUILD_FULCIO_URL', 'TURNBUILD_REKOR_URL', 'TURNBUILD_TSA_URL'])
      expect(() => sigstoreServices({ [name]: url })).toThrow(
        expect.objectContaining({ code: 'SIGSTORE_URL_INVALID' }),
      );
  });
});

describe('SIGSTORE_ID_TOKEN', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = [part({ alg: 'RS256' }), part({ sub: 'someone', nonce: 'secret' }), 'c2lnbmVk'].join('.');

  it('may end with a newline', async () => {
    expect(await identityToken({ SIGSTORE_ID_TOKEN: `${token}\n` })).toBe(token);
  });

  it.each([
    'secret',
    `${token}.${token}`,
    `${token} secret`,
    `Bearer ${token}`,
    token.replace(/\.[^.]*\./, '.c2VjcmV0.'),
    token.replace(/\.[^.]*\./, `.${part([])}.`),
    token.replace(/\.[^.]*\./, `.${part(null)}.`),
  ])('is refused if it is malformed, without its text: %#', async (given) => {
    const error = await errorOf(identityToken({ SIGSTORE_ID_TOKEN: given }));
    expect(error.code).toBe('OIDC_TOKEN_MALFORMED');
    const shown = JSON.stringify([error.message, error.hint, String(error.cause)]);
    for (const word of [given, 'secret', 'c2VjcmV0']) expect(shown).not.toContain(word);
  });
});

it('does not show the errors of code that expected a well-formed document', async () => {
  for (const text of ['null', '0', '{"dsseEnvelope":{}}']) {
    const { message } = await errorOf(verifyBundle('it', text, proof.roots));
    expect(message).not.toMatch(/undefined|null|Cannot|reading/);
  }
  const { message } = await errorOf(parseTrustedRoots('it', 'null'));
  expect(message).toContain('a part is missing or malformed');
});

describe('a trusted root', () => {
  it('of the public deployment is included', async () => {
    const [root] = await includedTrustedRoots();
    expect(root?.certificateAuthorities.map(({ uri }) => uri)).toContain('https://fulcio.sigstore.dev');
    expect(root?.tlogs.map(({ baseUrl }) => baseUrl)).toContain('https://rekor.sigstore.dev');
  });

  it('may be one of several lines', async () => {
    const lines = `${services.trustedRoot}\n${services.trustedRoot}\n`;
    expect(await parseTrustedRoots('it', lines)).toHaveLength(2);
  });

  it.each(['', 'x', 'null', '{}', '{"certificateAuthorities":[{}]}', '{"tlogs":1}'])(
    'is not %j',
    async (text) => {
      expect((await errorOf(parseTrustedRoots('it', text))).code).toBe('TRUSTED_ROOT_INVALID');
    },
  );
});
