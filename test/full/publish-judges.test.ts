import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Exec, runProcess } from '../../src/io/exec.ts';
import { signRpm } from '../../src/publish/dnf/tools.ts';
import { type ClientRoot, clientRoot } from '../support/client-root.ts';
import { chrootObstacle } from '../support/debian-root.ts';
import { type Judges, judgesIn } from '../support/judges.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { publicationPlace } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, EXPIRED, SHA1, type SigningHome } from '../support/signing-home.ts';
import { attestedRelease } from '../support/sigstore/attested.ts';
import type { Run } from '../support/turnbuild.ts';

const obstacle = chrootObstacle();
if (obstacle !== undefined) console.log(`publish-judges.test.ts skips all tests: ${obstacle}`);

const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };
const RPM = 'coturn-4.18.0+turnbuild-1.x86_64.rpm';
const SUITE = 'trixie-testing';

let keys: SigningHome;
let root: ClientRoot;
let judges: Judges;
/** A repository, with the public key. */
let published: { key: Buffer; apt: Map<string, Buffer>; read(path: string): Buffer };
let place: ReturnType<typeof publicationPlace>;
beforeAll(async () => {
  if (obstacle !== undefined) return;
  keys = createSigningHome();
  const key = keys.createKey('Packages <packages@example.org>', 'rsa3072');
  root = await clientRoot('trixie');
  judges = judgesIn(root);
  place = publicationPlace(
    'apt,dnf',
    { home: keys.home, key },
    mkdtempSync(join(tmpdir(), 'turnbuild-test-')),
  );
  packagedRelease(place.out, { targets: TARGETS, installable: true });
  expect(await place.publish()).toMatchObject({ code: 0, stderr: '' });
  const read = (path: string) => readFileSync(join(place.repo, path));
  const files = readdirSync(join(place.repo, 'apt/dists'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(`${place.repo}/apt/`.length));
  published = {
    key: read('key.asc'),
    apt: new Map(files.map((path) => [path, read(`apt/${path}`)])),
    read,
  };
});
afterAll(() => {
  keys?.remove();
  root?.remove();
  if (place !== undefined) rmSync(place.dir, { recursive: true, force: true });
});

/** A file with another byte. Not all bytes of a file are signed. */
function damaged(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

const withInRelease = (text: string | Buffer) =>
  new Map<string, string | Buffer>([...published.apt, [`dists/${SUITE}/InRelease`, text]]);
const accepted = ({ code }: Run) => code === 0;

describe.skipIf(obstacle !== undefined)('sqv, apt and rpmkeys of Debian 13', () => {
  it('accept what is published, and refuse what was changed', async () => {
    const { key, read } = published;
    const release = read(`apt/dists/${SUITE}/InRelease`);
    const state = new URL(read('dnf/testing/portable/x86_64/mirrorlist').toString().trim()).pathname;
    const repomd = read(`${state}/repodata/repomd.xml`);
    const repomdSignature = read(`${state}/repodata/repomd.xml.asc`);
    const rpm = read(`dnf/pool/${RPM}`);
    const attested = attestedRelease();
    onTestFinished(() => rmSync(attested.cwd, { recursive: true, force: true }));
    const attestor = keys.createKey('Attestor <attestor@example.org>');
    const run = await attested.attest(['--sign-with', attestor], { GNUPGHOME: keys.home });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [sums, sumsSignature, sumsKey] = ['SHA256SUMS', 'SHA256SUMS.asc', 'key.asc'].map((name) =>
      readFileSync(join(attested.trust, name)),
    ) as [Buffer, Buffer, Buffer];
    const { apt, clearsigned, detached } = judges;
    const all: Readonly<Record<string, (change: (bytes: Buffer) => Buffer) => Promise<Run>>> = {
      'sqv InRelease': (change) => clearsigned(key, change(release)),
      'apt InRelease': (change) => apt(key, SUITE, withInRelease(change(release))),
      'sqv repomd.xml': (change) => detached(key, repomdSignature, change(repomd)),
      'sqv SHA256SUMS': (change) => detached(sumsKey, sumsSignature, change(sums)),
      'rpmkeys .rpm': (change) => judges.rpm(key, change(rpm)),
    };
    for (const [name, judge] of Object.entries(all)) {
      const right = await judge((bytes) => bytes);
      expect(accepted(right), `${name}: ${right.stdout}${right.stderr}`).toBe(true);
      const change = (bytes: Buffer) =>
        damaged(bytes, name.endsWith('InRelease') ? bytes.indexOf('Origin') : bytes.length - 1);
      expect(accepted(await judge(change)), `${name}, changed`).toBe(false);
    }
    expect((await judges.rpm(key, rpm)).stdout).toContain('digests signatures OK');
    // Without a signature, and with a key that has not signed.
    expect(accepted(await judges.rpm(key, readFileSync(join(place.out, '4.18.0', RPM))))).toBe(false);
    expect(accepted(await judges.rpm(sumsKey, rpm))).toBe(false);
    expect(accepted(await clearsigned(sumsKey, release))).toBe(false);
    expect(accepted(await apt(sumsKey, SUITE, published.apt))).toBe(false);
  });

  it.each<[string, string, readonly string[], Verdicts]>([
    ['Ed25519', 'ed25519', [], { apt: true, dnf: true }],
    ['RSA with 2048 bits', 'rsa2048', [], { apt: true, dnf: true }],
    ['RSA with 1024 bits', 'rsa1024', [], { apt: false, dnf: false }],
    ['DSA', 'dsa2048', [], { apt: false, dnf: false }],
    ['NIST P-256', 'nistp256', [], { apt: true, dnf: false }],
    ['secp256k1', 'secp256k1', [], { apt: false, dnf: false }],
    ['a SHA-1 certification', 'rsa2048', SHA1, { apt: false, dnf: false }],
  ])('and turnbuild judge a key with %s the same', async (kind, algorithm, options, expected) => {
    const key = keys.createKey(`${kind} <packages@example.org>`, algorithm, '2y', options);
    expect(await ownVerdicts(key)).toEqual(expected);
    expect(await theirVerdicts(key, publicKey(key))).toEqual(expected);
  });

  it('refuse what is signed after the date at which the key expired for them', async () => {
    const key = keys.createKey('Expired <packages@example.org>', 'rsa2048', '30d', EXPIRED);
    const before = publicKey(key);
    expect(await ownVerdicts(key)).toEqual({ apt: false, dnf: false });
    keys.gpg(['--pinentry-mode', 'loopback', '--quick-set-expire', key, '1y']);
    expect(await ownVerdicts(key)).toEqual({ apt: true, dnf: true });
    expect(await theirVerdicts(key, before)).toEqual({ apt: false, dnf: false });
    expect(await theirVerdicts(key, publicKey(key))).toEqual({ apt: true, dnf: true });
  });
});

/** Whether a key may sign a repository for apt alone, and one for apt and dnf. */
interface Verdicts {
  apt: boolean;
  dnf: boolean;
}

const publicKey = (key: string) => keys.gpg(['--armor', '--export', key]);

/** Those of `turnbuild publish`. */
async function ownVerdicts(key: string): Promise<Verdicts> {
  const own = publicationPlace('apt', { home: keys.home, key });
  packagedRelease(own.out, { targets: TARGETS });
  const verdict = async (to: string) => {
    const { code, stderr } = await own.publish(['--dry-run', '--to', to]);
    if (code !== 0) expect(stderr).toContain('[SIGNING_KEY_UNSUITABLE]');
    return code === 0;
  };
  return { apt: await verdict('apt'), dnf: await verdict('apt,dnf') };
}

/** Those of sqv, apt and rpmkeys about what the key signs now. @param armored the public key that they have */
async function theirVerdicts(key: string, armored: string): Promise<Verdicts> {
  const release = published.read(`apt/dists/${SUITE}/InRelease`).toString();
  const text = /\n\n([\s\S]*\n)-----BEGIN PGP SIGNATURE/.exec(release)?.[1] ?? '';
  const sign = ['--pinentry-mode', 'loopback', '--digest-algo', 'SHA512', '-u', `${key}!`, '--clearsign'];
  const signed = keys.gpg(sign, text);
  const package_ = join(temporaryFolder(), RPM);
  copyFileSync(join(place.out, '4.18.0', RPM), package_);
  const exec: Exec = (command, options) =>
    runProcess({ ...command, env: { ...command.env, GNUPGHOME: keys.home } }, options);
  // rpmsign does not know all algorithms. Then the package has no signature.
  await signRpm(exec, package_, key, new AbortController().signal).catch((error: unknown) =>
    expect(String(error)).toContain('Unsupported PGP signature'),
  );
  const byApt = [
    await judges.clearsigned(armored, signed),
    await judges.apt(armored, SUITE, withInRelease(signed)),
  ];
  const byRpm = await judges.rpm(armored, readFileSync(package_));
  const apt = byApt.every(accepted);
  return { apt, dnf: apt && accepted(byRpm) };
}
