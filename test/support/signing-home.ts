import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A GnuPG home of a test. */
export interface SigningHome {
  /** For GNUPGHOME. Short, because the path of the agent's socket must fit 108 bytes. */
  home: string;
  gpg(args: readonly string[], input?: string): string;
  /** Creates a key without a passphrase. @param options of gpg @returns its fingerprint */
  createKey(name: string, algorithm?: string, expires?: string, options?: readonly string[]): string;
  remove(): void;
}

export function createSigningHome(): SigningHome {
  const home = mkdtempSync(join(tmpdir(), 'tb-gpg-'));
  const gpg = (args: readonly string[], input = '') =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--passphrase', '', ...args], {
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  return {
    home,
    gpg,
    createKey(name, algorithm = 'ed25519', expires = '2y', options = []) {
      const usage = algorithm === 'default' ? [] : [algorithm, 'sign', expires];
      gpg(['--pinentry-mode', 'loopback', ...options, '--quick-gen-key', name, ...usage]);
      const listed = gpg(['--with-colons', '--list-secret-keys', `=${name}`]);
      return /^fpr:{9}([0-9A-F]+):/m.exec(listed)?.[1] ?? '';
    },
    remove() {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Options of gpg: certifications use SHA-1. */
export const SHA1 = ['--cert-digest-algo', 'SHA1'];

/** Options of gpg: it is 60 days ago. A key that is created for 30 days has expired, and can still sign. */
export const EXPIRED = [
  '--faked-system-time',
  `${new Date(Date.now() - 60 * DAY_MS).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}!`,
];
