import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { serve } from './http-server.ts';

/** The key in the keyring, and one that is not in it, like the key of a release that an older keyring lacks. */
const THIS_KEY = 'turnbuild-this';
export const NEXT_KEY = 'turnbuild-next';

/** A signing key for one test file. gpg's home has a short path: its agent's socket must fit 108 bytes. */
export interface SigningKey {
  keyring: string;
  /** The public key with ASCII armor. */
  armored: string;
  /** A detached signature. */
  sign(bytes: Buffer, options?: readonly string[]): Buffer;
  clearsign(text: string, options?: readonly string[]): string;
  remove(): void;
}

export function createSigningKey(): SigningKey {
  const home = mkdtempSync(join(tmpdir(), 'tb-gpg-'));
  const gpg = (args: readonly string[], input?: string | Buffer) => {
    try {
      return execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--passphrase', '', ...args], {
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(input === undefined ? {} : { input }),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new Error(
        'gpg is not installed, but this test creates its own signing key: apt-get install gnupg',
      );
    }
  };
  for (const name of [THIS_KEY, NEXT_KEY])
    gpg(['--pinentry-mode', 'loopback', '--quick-gen-key', name, 'ed25519', 'sign', 'never']);
  const keyring = join(home, 'keyring.gpg');
  writeFileSync(keyring, gpg(['--export', THIS_KEY]));
  const own = ['--pinentry-mode', 'loopback', '-u', THIS_KEY];
  return {
    keyring,
    armored: gpg(['--armor', '--export', THIS_KEY]).toString('utf8'),
    sign: (bytes, options = []) => gpg([...own, ...options, '--detach-sign'], bytes),
    clearsign: (text, options = []) => gpg([...own, ...options, '--clearsign'], text).toString('utf8'),
    remove() {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
export const TARBALL_SHA256 = 'a'.repeat(64);

export function stanza(name: string, version: string): string {
  const upstream = version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
  return `Package: ${name}
Binary: ${name}
Version: ${version}
Files:
 ${'0'.repeat(32)} 2032 ${name}_${upstream}-1.dsc
 ${'0'.repeat(32)} 474757 ${name}_${upstream}.orig.tar.gz
Checksums-Sha256:
 ${'b'.repeat(64)} 2032 ${name}_${upstream}-1.dsc
 ${TARBALL_SHA256} 474757 ${name}_${upstream}.orig.tar.gz
 ${'c'.repeat(64)} 833 ${name}_${upstream}.orig.tar.gz.asc
 ${'d'.repeat(64)} 15008 ${name}_${upstream}-1.debian.tar.xz
Directory: pool/main/c/${name}
Section: net
`;
}

export interface MirrorOptions {
  key: SigningKey;
  suite?: string;
  codename?: string;
  sources?: string;
  extension?: 'gz' | 'xz';
  fields?: string;
  date?: string;
  byHash?: boolean;
  /** Changes the signed file. */
  tamper?: (inRelease: string) => string;
  /** Changes the index after its hash was taken. */
  tamperIndex?: (index: Buffer) => Buffer;
  signOptions?: readonly string[];
}

/** A Debian mirror with one suite on the loopback. It answers 404 for missing files. */
export async function serveDebianMirror(options: MirrorOptions) {
  const { suite = 'bookworm', codename = suite, extension = 'gz', byHash = true } = options;
  const text = options.sources ?? [stanza('coturn-tools', '9.9-1'), stanza('coturn', '4.6.1-1')].join('\n');
  const index = extension === 'gz' ? gzipSync(text) : execFileSync('xz', ['-c'], { input: text });
  const release = `Origin: Debian
Suite: oldstable
Codename: ${codename}
Date: ${options.date ?? 'Sat, 11 Jul 2026 10:16:37 UTC'}
${options.fields ?? ''}Acquire-By-Hash: ${byHash ? 'yes' : 'no'}
MD5Sum:
 ${'1'.repeat(32)} ${index.length} main/source/Sources.${extension}
SHA256:
 ${'2'.repeat(64)} 100 main/binary-amd64/Packages.gz
 ${sha256(index)} ${index.length} main/source/Sources.${extension}
`;
  const signed = options.key.clearsign(release, options.signOptions);
  const root = `/debian/dists/${suite}`;
  const files = new Map<string, string | Buffer>([
    [`${root}/InRelease`, options.tamper?.(signed) ?? signed],
    [
      byHash
        ? `${root}/main/source/by-hash/SHA256/${sha256(index)}`
        : `${root}/main/source/Sources.${extension}`,
      options.tamperIndex?.(index) ?? index,
    ],
  ]);
  const server = await serve((request, response) => {
    const found = files.get(request.url ?? '');
    if (found === undefined) response.writeHead(404).end();
    else response.end(found);
  });
  return {
    ...server,
    mirror: `${server.url}/debian`,
    files,
  };
}
