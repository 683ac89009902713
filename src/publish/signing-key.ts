import { TurnbuildError, usageError } from '../errors.ts';

/** A key that signs a repository. */
export interface SigningKey {
  /** Fingerprint of the primary key, upper-case hex. */
  fingerprint: string;
  /** Fingerprint of the key that signs: the primary key, or one of its subkeys. */
  signer: string;
  /** Milliseconds since the epoch at which the key or its signing subkey expires; undefined if never. */
  expires: number | undefined;
  /** The public key with ASCII armor. */
  armored: string;
  /** Its curve if only apt can verify it, and rpm cannot. */
  aptOnlyCurve?: string;
  /** What clients of a repository trust: the public key, and others while keys are replaced. One block with ASCII armor. */
  clientKeys: string;
  /** Fingerprints of those others, sorted. Absent: none. */
  extraKeys?: readonly string[];
}

/** What gpg says about a key: src/io/gpg.ts. */
interface Listing {
  colons: string;
  packets: string;
  armored: string;
}

/** A key or subkey in gpg's listing. GnuPG, doc/DETAILS, "Format of the colon listings". */
interface ListedKey {
  kind: 'sec' | 'ssb';
  validity: string;
  bits: number;
  algorithm: number;
  id: string;
  created: number;
  expires: number | undefined;
  capabilities: string;
  curve: string;
  fingerprint: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A key that expires within this time is warned about. */
const WARN_MS = 60 * DAY_MS;

/** A fingerprint of OpenPGP version 4 or 6. Shorter IDs, names and addresses can be another key's as well. */
export function parseFingerprint(word: string, option = '--sign-with'): string {
  const plain = word.replaceAll(/\s/g, '').replace(/^0x/i, '').toUpperCase();
  if (/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(plain)) return plain;
  throw usageError(
    'OPTION_INVALID',
    `Invalid ${option} "${word}": expected the full fingerprint of a key, 40 or 64 hexadecimal digits`,
    'gpg --list-secret-keys prints it. Key IDs, names and addresses can match other keys.',
  );
}

/**
 * Requires a key whose signatures clients accept: apt 3 and rpm 4.20 verify with Sequoia, which refuses SHA-1 and short keys.
 * @param options.now milliseconds since the epoch
 * @param options.forRpm it signs .rpm files
 * @throws SIGNING_KEY_MISSING, CLOCK_WRONG, SIGNING_KEY_UNSUITABLE with every reason
 */
export function suitableKey(
  fingerprint: string,
  listing: Listing,
  options: { now: number; forRpm: boolean },
): SigningKey {
  const { now } = options;
  const keys = listedKeys(listing.colons);
  const primary = keys.find((key) => key.kind === 'sec' && key.fingerprint === fingerprint);
  if (primary === undefined)
    throw new TurnbuildError(
      'SIGNING_KEY_MISSING',
      `gpg has no secret key with the fingerprint ${fingerprint}`,
      {
        hint: 'gpg --list-secret-keys shows the keys of this user. Pass the fingerprint of a primary key, not of a subkey. GNUPGHOME selects another folder of keys.',
      },
    );
  if (primary.created * 1000 > now)
    throw new TurnbuildError(
      'CLOCK_WRONG',
      `This machine's clock says ${text(now)}, but the key ${fingerprint} was created at ${text(primary.created * 1000)}`,
      { hint: 'Set the clock, e.g. with NTP, and run the same command again.' },
    );
  const signers = keys.filter(({ kind, capabilities }) => kind === 'ssb' && capabilities.includes('s'));
  const usable = signers.filter((key) => validityProblem(key, now) === undefined);
  const [newest = primary] = usable.toSorted((a, b) => b.created - a.created);
  const problems = [
    ...problemsOf(primary, 'The key', options),
    ...(newest === primary ? [] : problemsOf(newest, `Its subkey ${newest.id}`, options)),
    ...(newest === primary && !primary.capabilities.includes('s')
      ? [
          signers.length === 0
            ? 'The key cannot sign, and has no subkey that can'
            : 'Its subkeys that sign have expired, are revoked, or were created in the future',
        ]
      : []),
    ...selfSignatureProblems(primary, listing.packets),
    ...(newest === primary ? [] : bindingProblems(newest, listing.packets)),
  ];
  if (problems.length > 0)
    throw new TurnbuildError(
      'SIGNING_KEY_UNSUITABLE',
      `The key ${fingerprint} can't sign a repository:\n${problems.map((each) => `  ${each}`).join('\n')}`,
      { hint: 'A suitable key: gpg --quick-generate-key "Name <address@host>" rsa4096 sign 2y' },
    );
  const aptOnly = [primary, newest].find((key) => strengthProblem(key, true) !== undefined);
  const ends = [primary.expires, newest.expires].filter((each) => each !== undefined);
  return {
    fingerprint,
    signer: newest.fingerprint,
    expires: ends.length === 0 ? undefined : Math.min(...ends),
    armored: listing.armored,
    ...(aptOnly === undefined ? {} : { aptOnlyCurve: aptOnly.curve }),
    clientKeys: listing.armored,
  };
}

/** What to tell the user about a key that signs a repository for apt. */
export function aptOnlyNotes({ fingerprint, aptOnlyCurve }: SigningKey): string[] {
  if (aptOnlyCurve === undefined) return [];
  return [
    `The key ${fingerprint} uses the curve ${aptOnlyCurve}, which rpm cannot verify. With this key, the repository can't have packages for dnf; that requires RSA with 2048 bits or more, or Ed25519.`,
  ];
}

/** What to tell the user about a suitable key; undefined if nothing. @param now milliseconds since the epoch */
export function expiryWarning(
  { fingerprint, expires }: Pick<SigningKey, 'fingerprint' | 'expires'>,
  now: number,
): string | undefined {
  if (expires === undefined || expires - now > WARN_MS) return undefined;
  const days = Math.floor((expires - now) / DAY_MS);
  return `The key ${fingerprint} expires in ${days} ${days === 1 ? 'day' : 'days'}. After that, clients refuse the repository. Extend it (gpg --quick-set-expire ${fingerprint} 2y), run turnbuild refresh (or publish again), and replace the .sources files of apt clients.`;
}

function problemsOf(
  key: ListedKey,
  name: string,
  { now, forRpm }: { now: number; forRpm: boolean },
): string[] {
  const validity = validityProblem(key, now);
  const strength = strengthProblem(key, forRpm);
  return [validity, strength].flatMap((problem) => (problem === undefined ? [] : [`${name} ${problem}`]));
}

function validityProblem({ validity, expires }: ListedKey, now: number): string | undefined {
  if (validity === 'r') return 'is revoked';
  if (validity === 'd') return 'is disabled';
  if (validity === 'i') return 'is invalid';
  if (expires !== undefined && expires <= now)
    return `expired on ${new Date(expires).toISOString().slice(0, 10)}`;
  return undefined;
}

/** Algorithm numbers of OpenPGP: RFC 9580, 9.1. */
const RSA = [1, 3];
const ECDSA = 19;
const EDDSA = [22, 27];

function strengthProblem({ algorithm, bits, curve }: ListedKey, forRpm: boolean): string | undefined {
  if (RSA.includes(algorithm))
    return bits >= 2048 ? undefined : `is RSA with ${bits} bits; apt 3 and rpm 4.20 require 2048`;
  if (EDDSA.includes(algorithm) && /^ed25519$/i.test(curve)) return undefined;
  // rpm 4.18 cannot verify ECDSA.
  if (algorithm === ECDSA && !forRpm && /^nistp(?:256|384|521)$/.test(curve)) return undefined;
  const what = curve === '' ? `algorithm ${algorithm}` : `the curve ${curve}`;
  return `uses ${what}; use RSA with 2048 bits or more, or Ed25519`;
}

/** Hash algorithms of OpenPGP that are too weak: MD5, SHA-1, RIPEMD-160. RFC 9580, 9.5. */
const WEAK: Readonly<Record<string, string>> = { '1': 'MD5', '2': 'SHA-1', '3': 'RIPEMD-160' };

/** A user ID whose newest signature by its own key (types 0x10 to 0x13) has a weak hash makes the key invalid for Sequoia. */
function selfSignatureProblems({ id, fingerprint }: ListedKey, packets: string): string[] {
  const own = packetsIn(packets).filter(
    (packet) => isSignature(packet) && packet.includes(`keyid ${id}`) && /sigclass 0x1[0-3]/.test(packet),
  );
  const weak = weakHashIn(newestOf(own));
  return weak === undefined
    ? []
    : [
        `Its self-signature uses ${weak}, which apt 3 and rpm 4.20 refuse; renew it: gpg --cert-digest-algo SHA512 --quick-set-expire ${fingerprint} 2y`,
      ];
}

/** A subkey that signs has a signature by the primary key (type 0x18), which contains one by the subkey (0x19). */
function bindingProblems({ id }: ListedKey, packets: string): string[] {
  const all = packetsIn(packets);
  const at = all.findIndex(
    (packet) => /^:(?:public|secret) sub key packet:/.test(packet) && packet.includes(`keyid: ${id}`),
  );
  // Its signatures follow it, up to the next subkey.
  const after = all.slice(at + 1);
  const end = after.findIndex((packet) => !isSignature(packet));
  const bindings = (end < 0 ? after : after.slice(0, end)).filter((packet) =>
    packet.includes('sigclass 0x18'),
  );
  const weak = weakHashIn(newestOf(bindings));
  return weak === undefined
    ? []
    : [
        `The signature of its subkey ${id} uses ${weak}, which apt 3 and rpm 4.20 refuse; create a new subkey: gpg --quick-add-key`,
      ];
}

const text = (time: number) => new Date(time).toISOString();
const packetsIn = (packets: string) => packets.split(/^(?=:)/m);
const isSignature = (packet: string) => packet.startsWith(':signature packet:');
const createdAt = (packet: string) => Number(/created (\d+)/.exec(packet)?.[1] ?? 0);

/** The newest signature replaces earlier ones. */
function newestOf(signatures: readonly string[]): string {
  return signatures.toSorted((a, b) => createdAt(b) - createdAt(a))[0] ?? '';
}

/** The first weak hash algorithm in a signature and in those that it contains. */
function weakHashIn(signature: string): string | undefined {
  const hashes = [...signature.matchAll(/digest algo (\d+)/g)].map(([, hash = '']) => WEAK[hash]);
  return hashes.find((name) => name !== undefined);
}

function listedKeys(colons: string): ListedKey[] {
  const keys: ListedKey[] = [];
  for (const line of colons.split('\n')) {
    const fields = line.split(':');
    const [kind = '', validity = '', bits = '', algorithm = '', id = '', created = '', expires = ''] = fields;
    const last = keys.at(-1);
    if (kind === 'fpr' && last?.fingerprint === '') last.fingerprint = fields[9] ?? '';
    if (kind !== 'sec' && kind !== 'ssb') continue;
    // The secret part of a stub (`#`) is elsewhere.
    const isStub = fields[14] === '#';
    if (isStub && kind === 'ssb') continue;
    keys.push({
      kind,
      validity,
      bits: Number(bits),
      algorithm: Number(algorithm),
      id,
      created: Number(created),
      expires: expires === '' ? undefined : Number(expires) * 1000,
      // Upper-case letters summarise the whole key.
      capabilities: isStub ? '' : (fields[11] ?? '').replaceAll(/[A-Z]/g, ''),
      curve: fields[16] ?? '',
      fingerprint: '',
    });
  }
  return keys;
}
