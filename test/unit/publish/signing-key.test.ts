import { describe, expect, it } from 'vitest';
import { expiryWarning, parseFingerprint, suitableKey } from '../../../src/publish/signing-key.ts';

const PRIMARY = '1319D3A8AEB1E30A515018B759B93725BE647B0A';
const SUBKEY = 'C2D9025FAB0117BFB89B4AF332322E97969D8F56';
const OTHER = 'F2B1198DE185136C75ACFF61A0790E3187F2DBB6';
const NOW = Date.parse('2026-11-28T00:00:00Z');
const DAY = 86_400;
const SOON = NOW / 1000 + 30 * DAY;
const LATER = NOW / 1000 + 700 * DAY;

interface Key {
  validity?: string;
  bits?: number;
  algorithm?: number;
  curve?: string;
  expires?: number | '';
  capabilities?: string;
  created?: number;
  stub?: string;
}

function line(kind: 'sec' | 'ssb', fingerprint: string, key: Key = {}): string {
  const { validity = 'u', bits = 255, algorithm = 22, curve = 'ed25519', expires = LATER } = key;
  const { capabilities = 'scSC', created = 1_700_000_000, stub = '+' } = key;
  const id = fingerprint.slice(-16);
  return [
    `${kind}:${validity}:${bits}:${algorithm}:${id}:${created}:${expires}::u:::${capabilities}:::${stub}::${curve}:::0:`,
    `fpr:::::::::${fingerprint}:`,
    'grp:::::::::9B2F18BB0739F0E2CD274CDFA6994BAA7BF2B4D3:',
  ].join('\n');
}

const packets = (hash = 10, created = 1_700_000_000) => `:public key packet:
	version 4, algo 22, created ${created}, expires 0
:user ID packet: "Packages <packages@example.org>"
:signature packet: algo 22, keyid ${PRIMARY.slice(-16)}
	version 4, created ${created}, md5len 0, sigclass 0x13
	digest algo ${hash}, begin of digest 24 14
`;

const subkeyPackets = (back: number) => `:public sub key packet:
	version 4, algo 22, created 1700000000, expires 0
	keyid: ${SUBKEY.slice(-16)}
:signature packet: algo 22, keyid ${PRIMARY.slice(-16)}
	version 4, created 1700000000, md5len 0, sigclass 0x18
	digest algo 10, begin of digest 24 14
	subpkt 32 len 117 (signature: v4, class 0x19, algo 22, digest algo ${back})
`;

const listing = (colons: string, more = packets()) => ({ colons, packets: more, armored: 'armored' });
const suitable = (colons: string, more?: string, forRpm = false) =>
  suitableKey(PRIMARY, listing(colons, more), { now: NOW, forRpm });

describe('parseFingerprint', () => {
  it('takes a fingerprint as gpg prints it', () => {
    const printed = '1319 d3a8 AEB1 E30A 5150  18B7 59B9 3725 BE64 7B0A';
    expect(parseFingerprint(printed)).toBe(PRIMARY);
    expect(parseFingerprint(`0x${PRIMARY}`)).toBe(PRIMARY);
  });

  it.each(['packages@example.org', PRIMARY.slice(-16), PRIMARY.slice(1), `${PRIMARY}!`, ''])(
    'refuses "%s", which could select another key',
    (word) => {
      expect(() => parseFingerprint(word)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
    },
  );
});

describe('suitableKey', () => {
  it.each<[string, Key]>([
    ['Ed25519', {}],
    ['RSA with 2048 bits', { algorithm: 1, bits: 2048, curve: '' }],
    ['RSA with 4096 bits', { algorithm: 1, bits: 4096, curve: '' }],
    ['NIST P-256', { algorithm: 19, bits: 256, curve: 'nistp256' }],
    ['Ed25519 without an expiry date', { expires: '' }],
  ])('takes %s', (_, key) => {
    expect(suitable(line('sec', PRIMARY, key))).toMatchObject({ fingerprint: PRIMARY, signer: PRIMARY });
  });

  it('signs with the newest subkey that can sign', () => {
    const old = line('ssb', OTHER, { capabilities: 's', created: 1_700_000_001 });
    const encrypts = line('ssb', 'A'.repeat(40), { capabilities: 'e', created: 1_800_000_000 });
    const newest = line('ssb', SUBKEY, { capabilities: 's', created: 1_700_000_002, expires: SOON });
    const key = suitable([line('sec', PRIMARY), newest, old, encrypts].join('\n'));
    expect(key).toMatchObject({ signer: SUBKEY, expires: SOON * 1000 });
  });

  it('passes over subkeys that have expired or are not on this machine', () => {
    const expired = line('ssb', OTHER, { capabilities: 's', expires: NOW / 1000 - 1 });
    const elsewhere = line('ssb', SUBKEY, { capabilities: 's', stub: '#' });
    const key = suitable([line('sec', PRIMARY), expired, elsewhere].join('\n'));
    expect(key).toMatchObject({ signer: PRIMARY });
  });

  it.each<[string, string, string | undefined, string]>([
    ['RSA with 1024 bits', line('sec', PRIMARY, { algorithm: 1, bits: 1024, curve: '' }), undefined, '1024'],
    ['DSA', line('sec', PRIMARY, { algorithm: 17, bits: 3072, curve: '' }), undefined, 'algorithm 17'],
    ['another curve', line('sec', PRIMARY, { algorithm: 19, curve: 'secp256k1' }), undefined, 'secp256k1'],
    ['an expired key', line('sec', PRIMARY, { expires: NOW / 1000 - 1 }), undefined, 'expired on 2026-11-27'],
    ['a revoked key', line('sec', PRIMARY, { validity: 'r' }), undefined, 'is revoked'],
    ['a disabled key', line('sec', PRIMARY, { validity: 'd' }), undefined, 'is disabled'],
    ['a key that only certifies', line('sec', PRIMARY, { capabilities: 'cC' }), undefined, 'cannot sign'],
    ['a key that is elsewhere', line('sec', PRIMARY, { stub: '#' }), undefined, 'cannot sign'],
    [
      'a subkey with a SHA-1 signature',
      [line('sec', PRIMARY), line('ssb', SUBKEY, { capabilities: 's' })].join('\n'),
      packets() + subkeyPackets(2),
      `The signature of its subkey ${SUBKEY.slice(-16)} uses SHA-1`,
    ],
    [
      'a key whose subkeys have expired',
      [
        line('sec', PRIMARY, { capabilities: 'cSC' }),
        line('ssb', SUBKEY, { capabilities: 's', expires: NOW / 1000 - 1 }),
      ].join('\n'),
      undefined,
      'subkeys that sign have expired',
    ],
    [
      'a short subkey',
      [
        line('sec', PRIMARY),
        line('ssb', SUBKEY, { capabilities: 's', algorithm: 1, bits: 1024, curve: '' }),
      ].join('\n'),
      undefined,
      `Its subkey ${SUBKEY.slice(-16)} is RSA with 1024 bits`,
    ],
    ['a SHA-1 signature of its own', line('sec', PRIMARY), packets(2), 'uses SHA-1'],
    [
      'a new SHA-1 signature of its own',
      line('sec', PRIMARY),
      packets() + packets(2, 1_700_000_009),
      'uses SHA-1',
    ],
  ])('refuses %s', (_, colons, more, reason) => {
    expect(() => suitable(colons, more)).toThrow(
      expect.objectContaining({ code: 'SIGNING_KEY_UNSUITABLE', message: expect.stringContaining(reason) }),
    );
  });

  it('names the clock if the key was created in the future', () => {
    const created = NOW / 1000 + 2 * DAY;
    expect(() => suitable(line('sec', PRIMARY, { validity: 'i', created }))).toThrow(
      expect.objectContaining({
        code: 'CLOCK_WRONG',
        message: expect.stringMatching(/clock says 2026-11-28T.*created at 2026-11-30T/),
        hint: expect.stringContaining('NTP'),
      }),
    );
  });

  it('refuses NIST curves for .rpm files', () => {
    const colons = line('sec', PRIMARY, { algorithm: 19, bits: 256, curve: 'nistp256' });
    expect(() => suitable(colons, undefined, true)).toThrow(
      expect.objectContaining({ message: expect.stringContaining('uses the curve nistp256') }),
    );
  });

  it('takes a subkey that replaced its SHA-1 signature', () => {
    const [, weak = ''] = subkeyPackets(2).split(/^(?=:signature)/m);
    const colons = [line('sec', PRIMARY), line('ssb', SUBKEY, { capabilities: 's' })].join('\n');
    const renewed = subkeyPackets(10).replace('created 1700000000, md5len', 'created 1700000009, md5len');
    expect(suitable(colons, packets() + renewed + weak)).toMatchObject({ signer: SUBKEY });
  });

  it('takes a key that replaced its SHA-1 signature', () => {
    expect(suitable(line('sec', PRIMARY), packets(2) + packets(10, 1_700_000_009))).toBeDefined();
  });

  it.each([
    ['no key', ''],
    ['the fingerprint of a subkey', [line('sec', OTHER), line('ssb', PRIMARY)].join('\n')],
  ])('reports %s', (_, colons) => {
    expect(() => suitable(colons)).toThrow(expect.objectContaining({ code: 'SIGNING_KEY_MISSING' }));
  });
});

describe('expiryWarning', () => {
  const key = (days: number) => ({
    fingerprint: PRIMARY,
    signer: PRIMARY,
    armored: '',
    expires: NOW + days * DAY * 1000,
  });

  it('warns 60 days before a key expires', () => {
    expect(expiryWarning(key(61), NOW)).toBeUndefined();
    expect(expiryWarning({ ...key(0), expires: undefined }, NOW)).toBeUndefined();
    expect(expiryWarning(key(60), NOW)).toContain('expires in 60 days');
    expect(expiryWarning(key(1), NOW)).toContain('expires in 1 day.');
  });
});
