import type { Configuration } from './configuration.ts';
import { type Finding, finding } from './finding.ts';
import type { Setting } from './settings.ts';

/** Secrets that stand in coturn's own and in widespread examples. */
const KNOWN_SECRETS = new Set([
  ...[
    'north',
    'logen',
    'change_me',
    'changeme',
    'qwerty',
    'password',
    'secret',
    'youhavetochooseagoodpassword',
  ],
  ...['turnserver', 'coturn', 'test', 'admin', '123456', 'guest', 'somepassword', 'password1'],
  ...['0xbc807ee29df3c9ffa736523fb2c4e8ee', 'youhavetoberealistic', 'hero', 'key1', 'key2', 'password2'],
  '$5$79a316b350311570$81df9cfb9af7f5e5a76eada31e7097b663a0670f99a3c07ded3f1c8e59c5658a',
]);
/** Characters below which a shared secret is short: 128 bits in base64 are 22. */
const SECRET_LENGTH = 22;

/** Secrets that everybody knows, or that are soon guessed. */
export function lintSecrets({ settings }: Configuration): Finding[] {
  return settings.flatMap(lintSecret);
}

function lintSecret(setting: Setting): Finding[] {
  const { name, value } = setting;
  const secret = secretOf(setting);
  if (secret === undefined || secret === '') return [];
  if (KNOWN_SECRETS.has(secret.toLowerCase()))
    return [
      finding('known-secret', 'error', setting, `the secret of ${name} is one of everybody's examples`),
    ];
  if (name === 'user' && secret === value.slice(0, value.indexOf(':')))
    return [finding('known-secret', 'error', setting, 'the password is the name of the user')];
  if (name === 'static-auth-secret' && secret.length < SECRET_LENGTH)
    return [
      finding(
        'weak-secret',
        'warning',
        setting,
        `static-auth-secret has ${secret.length} characters; take ${SECRET_LENGTH} random ones or more`,
      ),
    ];
  return [];
}

function secretOf({ name, value }: Setting): string | undefined {
  if (name === 'user') return value.includes(':') ? value.slice(value.indexOf(':') + 1) : undefined;
  return ['static-auth-secret', 'cli-password'].includes(name) ? value : undefined;
}
