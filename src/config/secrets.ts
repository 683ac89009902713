import { type Configuration, hasTelnet } from './configuration.ts';
import { type Access, accessOf, isUsable } from './credentials.ts';
import { type Finding, finding } from './finding.ts';
import { isUnfilled } from './placeholders.ts';
import type { Setting } from './settings.ts';

/** Secrets published in coturn's example and in widespread guides, which a strength estimate would not find weak. */
export const PUBLISHED: ReadonlySet<string> = new Set([
  ...['youhavetochooseagoodpassword', 'youhavetoberealistic', 'somepassword', 'north', 'logen'],
  '0xbc807ee29df3c9ffa736523fb2c4e8ee',
  '$5$79a316b350311570$81df9cfb9af7f5e5a76eada31e7097b663a0670f99a3c07ded3f1c8e59c5658a',
]);
/** Required guesses as a power of ten: at 10^10 guesses per second, 10^18 take three years. */
const STRONG = { secret: 18, password: 10 };
/** A secret below this power of ten is guessed within a second. */
const HOPELESS = 10;
/** Minimum lengths without an estimate: 128 bits in base64 are 22 characters; 10 random letters or digits withstand over 10^10 guesses. */
const LENGTH = { secret: 22, password: 10 };

/** Estimates the number of guesses needed to find a secret, as a power of ten. */
export type Strength = (secret: string) => number;

/** Reports well-known and weak secrets. Ignores unused secrets, which other rules report. */
export function lintSecrets(configuration: Configuration, strength: Strength | undefined): Finding[] {
  const access = accessOf(configuration);
  return configuration.settings.flatMap((setting) => {
    const used = usedSecret(setting, configuration, access);
    return used === undefined ? [] : lintSecret(setting, used, strength);
  });
}

interface UsedSecret {
  text: string;
  kind: keyof typeof STRONG;
}

/** The secret of a line, if clients can use it. */
function usedSecret(setting: Setting, configuration: Configuration, access: Access): UsedSecret | undefined {
  const { name, value } = setting;
  if (isUnfilled(setting)) return undefined;
  if (name === 'static-auth-secret') return access === 'secret' ? { text: value, kind: 'secret' } : undefined;
  if (name === 'stateless-nonce-secret')
    return value !== '' && signsNonces(setting, configuration) ? { text: value, kind: 'secret' } : undefined;
  if (name === 'user')
    return access === 'accounts' && isUsable(setting)
      ? { text: value.slice(value.indexOf(':') + 1).trimStart(), kind: 'password' }
      : undefined;
  return name === 'cli-password' && hasTelnet(configuration) && value !== ''
    ? { text: value, kind: 'password' }
    : undefined;
}

/** Whether the secret is used: it enables stateless nonces, and only a later `stateless-nonce` can disable them. */
export function signsNonces(secret: Setting, { last, isOn }: Configuration): boolean {
  const nonce = last('stateless-nonce');
  return nonce === undefined || isOn('stateless-nonce') || nonce.line < secret.line;
}

function lintSecret(setting: Setting, { text, kind }: UsedSecret, strength: Strength | undefined): Finding[] {
  const { name, value } = setting;
  const found = (rule: 'known-secret' | 'weak-secret', level: 'error' | 'warning', message: string) => [
    finding(rule, level, setting, message),
  ];
  if (text === '')
    return found('known-secret', 'error', `${name} is empty: anyone can compute valid credentials`);
  if (PUBLISHED.has(text.toLowerCase()))
    return found('known-secret', 'error', `${name} has a well-known example value`);
  if (name === 'user' && text === value.slice(0, value.indexOf(':')))
    return found('known-secret', 'error', 'the password is the name of the user');
  // A hexadecimal 128-bit key replaces the password.
  if (name === 'user' && /^0x[0-9a-f]{32}/i.test(text) && !/^0x(.)\1+$/i.test(text)) return [];
  const digits = strength?.(text);
  if (digits === undefined)
    return text.length >= LENGTH[kind]
      ? []
      : found('weak-secret', 'warning', `the secret of ${name} has only ${text.length} characters`);
  if (digits >= STRONG[kind]) return [];
  const guesses = `the secret of ${name} can be guessed in about 10^${Math.max(1, Math.floor(digits))} attempts`;
  return digits < HOPELESS
    ? found('weak-secret', 'error', `${guesses}, which takes less than a second`)
    : found('weak-secret', 'warning', `${guesses} (at least 10^${STRONG[kind]} recommended)`);
}
