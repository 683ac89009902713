import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { runProcess } from '../../src/io/exec.ts';
import { sha256Bytes } from '../../src/io/files.ts';
import { dearmored } from '../../src/io/gpgv.ts';
import { contentText, type MetadataFile, repomdOf } from '../../src/publish/dnf/metadata.ts';
import { isStateStored, readRepository } from '../../src/publish/dnf/read.ts';
import type { Reading } from '../../src/publish/reading.ts';
import { memoryStore } from '../support/memory-store.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

const NAME = { channel: 'testing', target: 'portable', architecture: 'x86_64' } as const;
const PLAIN = 'dnf/testing/portable/x86_64';
const STATE = `${PLAIN}-0123456789abcdef`;

let keys: SigningHome;
let key: string;
let other: string;
let stranger: string;
let keyring: string;
beforeAll(() => {
  keys = createSigningHome();
  [key, other, stranger] = ['Own', 'Other', 'Stranger'].map((name) =>
    keys.createKey(`${name} <packages@example.org>`),
  ) as [string, string, string];
  keyring = join(keys.home, 'clients.gpg');
  writeFileSync(keyring, dearmored(Buffer.from(keys.gpg(['--armor', '--export', key, other]))));
});
afterAll(() => keys.remove());

const TEXT = '<metadata packages="0"></metadata>';
const BYTES = gzipSync(TEXT);
const listed: MetadataFile[] = ['primary', 'filelists', 'other'].map((type) => ({
  ...{ type, size: BYTES.length, sha256: sha256Bytes(BYTES), content: sha256Bytes(TEXT) },
  path: `repodata/${sha256Bytes(BYTES)}-${type}.xml.gz`,
}));
const repomd = repomdOf(listed);
let files: Map<string, Buffer>;
let reading: Reading;

/** Stores metadata, signed by a key. */
function signedBy(base: string, signer: string): void {
  for (const { path } of listed) files.set(`${base}/${path}`, BYTES);
  files.set(`${base}/repodata/repomd.xml`, Buffer.from(repomd));
  const dir = temporaryFolder();
  const signature = join(dir, 'repomd.xml.asc');
  writeFileSync(join(dir, 'repomd.xml'), repomd);
  keys.gpg([
    '--local-user',
    signer,
    '--armor',
    '--output',
    signature,
    '--detach-sign',
    join(dir, 'repomd.xml'),
  ]);
  files.set(`${base}/repodata/repomd.xml.asc`, readFileSync(signature));
}

beforeEach(() => {
  files = new Map([[`${PLAIN}/mirrorlist`, Buffer.from(`http://packages.example.org/${STATE}/\n`)]]);
  signedBy(STATE, key);
  signedBy(PLAIN, key);
  const { signal } = new AbortController();
  reading = { store: storeNow(), exec: runProcess, signal, work: temporaryFolder(), keyring };
});

const storeNow = () => memoryStore(files, () => {});
const read = () => readRepository(NAME, { ...reading, store: storeNow() }, temporaryFolder());

it('says who signed the state and the plain base', async () => {
  expect(await read()).toMatchObject({ signer: key, plainSigner: key, plain: listed });
  signedBy(PLAIN, other);
  expect(await read()).toMatchObject({ signer: key, plainSigner: other, plain: listed });
});

it.each<[string, () => void]>([
  ['by a key that clients do not trust', () => signedBy(PLAIN, stranger)],
  ['not at all', () => files.delete(`${PLAIN}/repodata/repomd.xml.asc`)],
  ['with other content', () => files.set(`${PLAIN}/repodata/repomd.xml`, Buffer.from(`${repomd}\n`))],
])('does not take a plain base for signed that is signed %s', async (_, change) => {
  change();
  expect(await read()).toMatchObject({ signer: key, plainSigner: undefined, plain: listed });
});

it('knows a state that is complete', async () => {
  const wanted = { content: contentText(listed), signer: key };
  const isStored = () => isStateStored(STATE, wanted, { ...reading, store: storeNow() });
  expect(await isStored()).toBe(true);
  const path = `${STATE}/${listed[1]?.path}`;
  files.set(path, Buffer.from('damaged'));
  expect(await isStored()).toBe(false);
  // A run of gc that was killed has deleted it.
  files.delete(path);
  expect(await isStored()).toBe(false);
  signedBy(STATE, other);
  expect(await isStored()).toBe(false);
});
