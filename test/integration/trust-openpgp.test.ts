import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { sha256Bytes } from '../../src/io/files.ts';
import type { Manifest } from '../../src/manifest/schema.ts';
import type { PackagedOptions } from '../support/packaged-release.ts';
import { snapshot } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { type Attested, attestedRelease, DEB, NAME } from '../support/sigstore/attested.ts';

let keys: SigningHome;
let key: string;
/** Another person's keys: one with the same name, and one that signs with a subkey. */
let attacker: SigningHome;
let other: string;
let otherSubkey: string;
/** Statements and signatures of the release that each test has. */
let template: Attested;
beforeAll(async () => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
  attacker = createSigningHome();
  other = attacker.createKey('Packages <packages@example.org>');
  otherSubkey = attacker.createKey('Subkey <subkey@example.org>');
  attacker.gpg(['--pinentry-mode', 'loopback', '--quick-add-key', otherSubkey, 'ed25519', 'sign', '1y']);
  template = attestedRelease();
  const run = await template.attest(['--sign-with', key], { GNUPGHOME: keys.home });
  expect(run).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => {
  keys.remove();
  attacker.remove();
  rmSync(template.cwd, { recursive: true });
});

interface Signed extends Attested {
  sign(fingerprint?: string, home?: string): Promise<void>;
  check(args?: readonly string[], file?: string): ReturnType<Attested['verify']>;
}

/** A release that the key has signed. */
async function signedRelease(options?: PackagedOptions): Promise<Signed> {
  const own = attestedRelease(undefined, options);
  onTestFinished(() => rmSync(own.cwd, { recursive: true, force: true }));
  const sign = async (fingerprint = key, home = keys.home) => {
    const run = await own.attest(['--sign-with', fingerprint], { GNUPGHOME: home });
    expect(run).toMatchObject({ code: 0, stderr: '' });
  };
  if (options === undefined) cpSync(template.trust, own.trust, { recursive: true });
  else await sign();
  const check = (args: readonly string[] = [], file = own.file) =>
    own.verify(['--signed-by', key, ...args], file);
  return { ...own, sign, check };
}

describe('turnbuild attest --sign-with', () => {
  it('signs SHA256SUMS of the packages and the statements', async () => {
    const { cwd, dir, trust } = await signedRelease();
    expect(readdirSync(trust).sort()).toEqual([
      ...['SHA256SUMS', 'SHA256SUMS.asc', `${NAME}.provenance.json`, `${NAME}.tests.json`, 'key.asc'],
    ]);
    // As users have them: all in one folder.
    for (const name of readdirSync(trust)) copyFileSync(join(trust, name), join(cwd, name));
    for (const name of readdirSync(dir).filter((each) => each.endsWith('.deb')))
      copyFileSync(join(dir, name), join(cwd, name));
    expect(execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd, encoding: 'utf8' })).toContain(
      `${DEB}: OK`,
    );
    const keyring = join(cwd, 'keyring.gpg');
    execFileSync('gpg', ['--batch', '--quiet', '--dearmor', '--output', keyring, 'key.asc'], {
      cwd,
      stdio: 'pipe',
    });
    execFileSync('gpgv', ['--keyring', keyring, 'SHA256SUMS.asc', 'SHA256SUMS'], { cwd, stdio: 'pipe' });
  });

  it('signs again only what has changed, or with another subkey', async () => {
    const own = createSigningHome();
    onTestFinished(() => own.remove());
    const primary = own.createKey('Rotating <rotating@example.org>');
    const { trust, sign, verify } = await signedRelease();
    await sign(primary, own.home);
    const before = snapshot(trust);
    // Signatures of the same second can have the same bytes.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await sign(primary, own.home);
    expect(snapshot(trust)).toEqual(before);
    own.gpg(['--pinentry-mode', 'loopback', '--quick-add-key', primary, 'ed25519', 'sign', '1y']);
    await sign(primary, own.home);
    expect(snapshot(trust)).not.toEqual(before);
    expect((await verify(['--signed-by', primary])).stdout).toContain(
      `${primary}\n              with its subkey `,
    );
  });

  it('attests the signed bytes of .rpm files', async () => {
    const { dir, check } = await signedRelease({ targets: { portable: 'rpm' } });
    const [name = ''] = readdirSync(join(dir, 'signed')).filter((each) => /x86_64\.rpm$/.test(each));
    const { code, stdout } = await check([], join(dir, 'signed', name));
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('for portable x86_64'),
    });
    const { stderr } = await check([], join(dir, name));
    expect(stderr).toContain('[ARTIFACT_NOT_ATTESTED]');
  });

  it('attests images that were booted, of the chosen architectures', async () => {
    const name = 'coturn-4.18.0-1-aws-arm64.raw.zst';
    const { cwd, dir, trust, attest, verify } = attestedRelease(undefined, {
      architectures: ['arm64', 'x86_64'],
      change: (manifest) => ({ ...manifest, steps: [...manifest.steps, ...imageSteps(name)] }),
    });
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    writeFileSync(join(dir, name), 'image');
    const env = { GNUPGHOME: keys.home };
    await attest(['--sign-with', key, '--arch', 'x86_64'], env);
    expect(readdirSync(trust).filter((each) => each.endsWith('.tests.json'))).toEqual([`${NAME}.tests.json`]);
    await attest(['--sign-with', key], env);
    const { stdout } = await verify(['--signed-by', key], join(dir, name));
    expect(stdout).toContain('for debian-13 arm64 aws');
  });

  function imageSteps(path: string): Manifest['steps'] {
    const place = { target: 'debian-13', arch: 'arm64', cloud: 'aws' } as const;
    const common = { ...place, bases: {}, status: 'done', seconds: 1 } as const;
    const { cloud: _, ...of } = place;
    const image = { path, kind: 'image', size: 5, sha256: sha256Bytes('image'), ...of } as const;
    const check = {
      id: 'boot',
      title: 'Boots',
      reason: '',
      status: 'passed',
      message: '',
      figures: {},
    } as const;
    return [
      {
        ...common,
        id: 'image:aws:arm64',
        stage: 'image',
        key: sha256Bytes('i'),
        inputs: [],
        outputs: [image],
      },
      {
        ...{
          ...common,
          id: 'boot:aws:arm64',
          stage: 'boot',
          key: sha256Bytes('b'),
          outputs: [],
          checks: [check],
        },
        inputs: [{ path, sha256: image.sha256 }],
      },
    ];
  }

  it.each<[string, string[], PackagedOptions, string, number]>([
    ['without a signer', [], {}, 'ARGUMENT_MISSING', 2],
    ['with a key ID', ['--sign-with', 'ABCD'], {}, 'OPTION_INVALID', 2],
    ['for a target that the release lacks', ['--target', 'debian-12'], {}, 'PUBLISH_EMPTY', 1],
    [
      'for a release that is not verified',
      [],
      {
        change: (manifest) => ({
          ...manifest,
          steps: manifest.steps.filter(({ stage }) => stage !== 'verify'),
        }),
      },
      'PUBLISH_UNVERIFIED',
      1,
    ],
  ])('refuses to run %s', async (_, args, options, code, exit) => {
    const { cwd, dir, attest } = attestedRelease(undefined, options);
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const run = await attest(args, { GNUPGHOME: keys.home });
    expect(run.code).toBe(exit);
    expect(run.stderr).toContain(`[${code}]`);
    expect(readdirSync(dir)).not.toContain('trust');
  });

  it('refuses a package that was changed after its verification', async () => {
    const { file, attest } = await signedRelease();
    appendFileSync(file, 'x');
    expect((await attest(['--sign-with', key], { GNUPGHOME: keys.home })).stderr).toContain(
      '[ARTIFACT_CHANGED]',
    );
  });
});

describe('turnbuild verify-artifact --signed-by', () => {
  it('says who signed, and what the statements say', async () => {
    const { cwd, trust, check } = await signedRelease();
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout).toContain(
      `signed by   Packages <packages@example.org>\n              OpenPGP key ${key}\n`,
    );
    expect(stdout).toContain('  source      not named: not proved\n');
    expect(stdout).toContain('1 passed');
    copyFileSync(join(trust, 'key.asc'), join(cwd, 'own.asc'));
    rmSync(join(trust, 'key.asc'));
    rmSync(join(trust, `${NAME}.provenance.json`));
    const { stdout: less } = await check(['--key', 'own.asc']);
    expect(less).toContain('not proved: no provenance was found');
    expect(less.replace(/\s+/g, ' ')).toContain(
      `${NAME}.provenance.json is listed in SHA256SUMS but missing`,
    );
    expect(less).not.toContain('came with the download');
    rmSync(join(trust, `${NAME}.tests.json`));
    const { stdout: least } = await check(['--key', 'own.asc', '--json']);
    expect(JSON.parse(least)).toMatchObject({
      missing: [`${NAME}.provenance.json`, `${NAME}.tests.json`],
      signatures: [{ isKeyFromDownload: false }],
    });
  });

  it('does not name the statements about other files as missing', async () => {
    const { trust, check } = await signedRelease({ architectures: ['arm64', 'x86_64'] });
    const others = readdirSync(trust).filter((name) => /arm64.*\.json$/.test(name));
    expect(others).toHaveLength(2);
    for (const name of others) rmSync(join(trust, name));
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout).not.toContain('missing');
  });

  it('reports that a provenance has another build type, and reads nothing from it', async () => {
    const { trust, check } = await signedRelease();
    const name = `${NAME}.provenance.json`;
    const statement = readFileSync(join(trust, name), 'utf8');
    const other = statement.replace(/"buildType": "[^"]*"/, '"buildType": "https://example.org/other"');
    writeFileSync(join(trust, name), other);
    const sums = readFileSync(join(trust, 'SHA256SUMS'), 'utf8');
    writeFileSync(join(trust, 'SHA256SUMS'), sums.replace(sha256Bytes(statement), sha256Bytes(other)));
    rmSync(join(trust, 'SHA256SUMS.asc'));
    const args = ['--pinentry-mode', 'loopback', '--local-user', key, '--armor', '--detach-sign'];
    writeFileSync(
      join(trust, 'SHA256SUMS.asc'),
      keys.gpg(args, readFileSync(join(trust, 'SHA256SUMS'), 'utf8')),
    );
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'not proved: provenance of another build type: https://example.org/other',
    );
    expect(stdout).not.toContain('coturn 4.18.0, revision');
    expect(stdout).not.toContain('built with');
  });

  it('checks revocation only with a key from elsewhere, and says so', async () => {
    const own = createSigningHome();
    onTestFinished(() => own.remove());
    const primary = own.createKey('Revoking <revoking@example.org>');
    own.gpg(['--pinentry-mode', 'loopback', '--quick-add-key', primary, 'ed25519', 'sign', '1y']);
    const { cwd, sign, verify } = await signedRelease();
    await sign(primary, own.home);
    const edit = [
      '--no-batch',
      '--no-tty',
      '--pinentry-mode',
      'loopback',
      '--command-fd',
      '0',
      '--edit-key',
      primary,
    ];
    own.gpg(edit, 'key 1\nrevkey\ny\n0\n\ny\nsave\n');
    expect(own.gpg(['--with-colons', '--list-keys', primary])).toMatch(/^sub:r:/m);
    writeFileSync(join(cwd, 'current.asc'), own.gpg(['--armor', '--export', primary]));
    const { code, stdout } = await verify(['--signed-by', primary]);
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'key.asc came with the download, so its revocation and expiry are not proved; pass --key FILE',
    );
    const refused = await verify(['--signed-by', primary, '--key', 'current.asc']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('is revoked');
    expect(refused.stderr).toContain('[SIGNATURE_INVALID]');
  });

  /** Signs SHA256SUMS with a key of an attacker, who has changed a package. */
  async function attacked(sign: (release: Signed) => void): Promise<Signed> {
    const release = await signedRelease();
    const before = sha256Bytes(readFileSync(release.file));
    appendFileSync(release.file, 'evil');
    const sums = join(release.trust, 'SHA256SUMS');
    writeFileSync(sums, readFileSync(sums, 'utf8').replace(before, sha256Bytes(readFileSync(release.file))));
    sign(release);
    return release;
  }

  const detached = ({ trust }: Signed, signer = other) => {
    const args = ['--pinentry-mode', 'loopback', '--local-user', signer, '--armor', '--detach-sign'];
    const text = readFileSync(join(trust, 'SHA256SUMS'), 'utf8');
    writeFileSync(join(trust, 'SHA256SUMS.asc'), attacker.gpg(args, text));
  };

  it.each<[string, Parameters<typeof attacked>[0], string]>([
    [
      "a signature by an attacker's key, which is beside it",
      (release) => {
        detached(release);
        writeFileSync(join(release.trust, 'key.asc'), attacker.gpg(['--armor', '--export', other]));
      },
      'SIGNER_DIFFERS',
    ],
    ["a signature by an attacker's key, which is not", (release) => detached(release), 'SIGNER_DIFFERS'],
    [
      "an attacker's key in the file of the right one",
      (release) => {
        detached(release);
        const both = createSigningHome();
        both.gpg(['--import'], keys.gpg(['--armor', '--export', key]));
        both.gpg(['--import'], attacker.gpg(['--armor', '--export', other]));
        writeFileSync(join(release.trust, 'key.asc'), both.gpg(['--armor', '--export']));
        both.remove();
      },
      'SIGNER_DIFFERS',
    ],
    [
      "an attacker's subkey under the right primary key",
      (release) => {
        detached(release, otherSubkey);
        writeFileSync(join(release.trust, 'key.asc'), grafted());
      },
      'SIGNATURE_INVALID',
    ],
    ['a signature of the former content', () => {}, 'SIGNATURE_INVALID'],
    [
      'a signed text in place of a signature',
      ({ trust }) => {
        const args = ['--pinentry-mode', 'loopback', '--local-user', key, '--clearsign'];
        writeFileSync(join(trust, 'SHA256SUMS.asc'), keys.gpg(args, 'something else\n'));
      },
      'SIGNATURE_INVALID',
    ],
    [
      'a signed message in place of a signature',
      ({ trust }) => {
        const args = ['--pinentry-mode', 'loopback', '--local-user', key, '--armor', '--sign'];
        writeFileSync(join(trust, 'SHA256SUMS.asc'), keys.gpg(args, 'something else\n'));
      },
      'SIGNATURE_INVALID',
    ],
    [
      'an empty signature',
      ({ trust }) => writeFileSync(join(trust, 'SHA256SUMS.asc'), ''),
      'SIGNATURE_INVALID',
    ],
    ['no signature', ({ trust }) => rmSync(join(trust, 'SHA256SUMS.asc')), 'SIGNATURE_MISSING'],
    ['nothing', ({ trust }) => rmSync(trust, { recursive: true }), 'SIGNATURE_MISSING'],
  ])('refuses %s', async (_, sign, code) => {
    const { code: exit, stdout, stderr } = await (await attacked(sign)).check();
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toContain(`[${code}]`);
  });

  /** The right primary key with the subkey of another one. */
  function grafted(): Buffer {
    const packets = (bytes: Buffer, text: string, kind: RegExp) => {
      const starts = [...text.matchAll(/^# off=(\d+) .*tag=(\d+)/gm)].map(([, off, tag]) => ({
        off: Number(off),
        tag: String(tag),
      }));
      return starts.flatMap(({ off, tag }, index) =>
        kind.test(tag) ? [bytes.subarray(off, starts[index + 1]?.off ?? bytes.length)] : [],
      );
    };
    const read = (from: SigningHome, fingerprint: string) => {
      const armored = from.gpg(['--armor', '--export', fingerprint]);
      const bytes = execFileSync('gpg', ['--batch', '--dearmor'], {
        input: armored,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      return { bytes, text: from.gpg(['--list-packets'], armored) };
    };
    const [own, theirs] = [read(keys, key), read(attacker, otherSubkey)];
    // Primary key, user ID and its signature of the one; subkey (14) and its binding, the last signature, of the other.
    const subkey = packets(theirs.bytes, theirs.text, /^14$/);
    const binding = packets(theirs.bytes, theirs.text, /^2$/).slice(-1);
    expect([subkey.length, binding.length]).toEqual([1, 1]);
    return Buffer.concat([...packets(own.bytes, own.text, /^(?:6|13|2)$/), ...subkey, ...binding]);
  }

  it('refuses a file that SHA256SUMS does not list, or lists with other content', async () => {
    const { cwd, dir, trust, file, check } = await signedRelease();
    expect((await check([], join(dir, 'manifest.json'))).stderr).toContain('[ARTIFACT_NOT_ATTESTED]');
    appendFileSync(file, 'x');
    const { code, stderr } = await check();
    expect(code).toBe(1);
    expect(stderr).toContain(`${DEB} is not the file in ${join(trust, 'SHA256SUMS')}`);
    expect(stderr).toContain('[ARTIFACT_NOT_ATTESTED]');
    expect(readdirSync(cwd)).toContain('dist');
  });

  it('refuses a statement that was changed', async () => {
    const { trust, check } = await signedRelease();
    const file = join(trust, `${NAME}.tests.json`);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"stun"', '"turn"'));
    expect((await check()).stderr).toContain('[STATEMENT_CHANGED]');
  });

  it('refuses a key that has expired', async () => {
    const own = createSigningHome();
    onTestFinished(() => own.remove());
    const past = (day: string) => [
      '--faked-system-time',
      `202501${day}T000000`,
      '--pinentry-mode',
      'loopback',
    ];
    own.gpg([...past('01'), '--quick-gen-key', 'Old <old@example.org>', 'ed25519', 'sign', '30d']);
    const [, old = ''] = /^fpr:{9}([0-9A-F]+):/m.exec(own.gpg(['--with-colons', '--list-keys'])) ?? [];
    const { trust, verify } = await signedRelease();
    const sums = readFileSync(join(trust, 'SHA256SUMS'), 'utf8');
    writeFileSync(join(trust, 'SHA256SUMS.asc'), own.gpg([...past('02'), '--armor', '--detach-sign'], sums));
    writeFileSync(join(trust, 'key.asc'), own.gpg(['--armor', '--export', old]));
    const { code, stderr } = await verify(['--signed-by', old]);
    expect(code).toBe(1);
    expect(stderr).toContain('has expired');
    expect(stderr).toContain('[SIGNATURE_INVALID]');
  });

  it.each([
    ['a key file without a fingerprint', ['--key', 'key.asc'], 'SIGNER_MISSING'],
    ['a key ID', ['--signed-by', '0123456789ABCDEF'], 'OPTION_INVALID'],
    ['a missing key file', ['--signed-by', 'A'.repeat(40), '--key', 'none.asc'], 'KEY_NOT_FOUND'],
  ])('refuses %s', async (_, args, code) => {
    const { verify } = await signedRelease();
    const { code: exit, stderr } = await verify(args);
    expect(exit).toBe(2);
    expect(stderr).toContain(`[${code}]`);
  });
});
