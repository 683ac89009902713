import { expect, it, vi } from 'vitest';
import { withoutSecrets } from '../../../../src/io/bucket/secrets.ts';

it.each([
  [
    'a URL with a secret: https://user:SECRET@host/path?token=SECRET#SECRET.',
    'a URL with a secret: https://host/path?REDACTED',
  ],
  ['Bearer SECRET is not valid', 'Bearer REDACTED is not valid'],
  ['upload_id=SECRET&x', 'upload_id=REDACTED&x'],
  ['token ya29.SECRET-SECRET', 'token REDACTED'],
  ['token ghs_SECRET is bad', 'token REDACTED is bad'],
  ['token github_pat_SECRET_SECRET', 'token REDACTED'],
  ['token eyJhbGciOi.SECRET.SECRET!', 'token REDACTED!'],
  [`key ${'SECRET'.repeat(8)} ends`, 'key REDACTED ends'],
  ['-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY----- x', 'REDACTED x'],
  ['-----BEGIN PRIVATE KEY-----\nSECRET', 'REDACTED'],
])('removes what could be secret: %j', (message, shown) => {
  expect(withoutSecrets(message)).toBe(shown);
});

it('removes the secrets of the environment, whatever they look like', () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wJalr/EXAMPLE');
  vi.stubEnv('AWS_SESSION_TOKEN', '');
  expect(withoutSecrets('No wJalr/EXAMPLE, wJalr')).toBe('No REDACTED, wJalr');
  vi.unstubAllEnvs();
});

it('keeps accounts, permissions and names, on one line of limited length', () => {
  const message =
    "publisher@a-long-name-of-a-project-of-a-company.iam.gserviceaccount.com\ndoes not have storage.objects.create access: 'coturn/apt/pool/main/coturn_4.18.0+turnbuild-1_amd64.deb'";
  expect(withoutSecrets(message)).toBe(message.replace('\n', ' '));
  expect(withoutSecrets('word '.repeat(1000)).length).toBe(400);
});
