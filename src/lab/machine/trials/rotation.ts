import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type CertificateFiles, fingerprintOf, makeCertificate } from '../../certificate.ts';
import type { RotationFacts } from '../facts.ts';
import { SECRETS, type StoredSecrets, withSecrets } from '../identity.ts';
import { type Laboratory, relay, secondsSince } from '../laboratory.ts';

const FILES: CertificateFiles = { certificate: '/tmp/turn-certificate.pem', key: '/tmp/turn-key.pem' };
const TLS_PORT = 5349;
/** Milliseconds until the new secrets must be in force: turn-agent reads stores every minute, and turnserver may have to restart. */
const IN_FORCE_MS = 180_000;
const ATTEMPT_MS = 1000;

/** Puts a secret and a new certificate into the store. */
export function storeSecrets({ cloud }: Pick<Laboratory, 'cloud'>, secret: string): void {
  makeCertificate(FILES);
  const stored: StoredSecrets = {
    secret,
    certificate: readFileSync(FILES.certificate, 'utf8'),
    key: readFileSync(FILES.key, 'utf8'),
  };
  cloud.change((state) => withSecrets(state, stored));
}

/** Texts that show a secret of the store wherever they appear: the shared secrets, and a line of the private key. */
export function storedLines(): string[] {
  const [, line = ''] = readFileSync(FILES.key, 'utf8').split('\n');
  return [SECRETS.first, SECRETS.rotated, line];
}

/** Begins a rotation. @param server the machine's public address @returns a function that waits until it is in force */
export async function rotateSecrets(lab: Laboratory, server: string): Promise<() => Promise<RotationFacts>> {
  const { client } = lab;
  const way = { transport: 'udp', server } as const;
  const shown = () => client.certificate(server, TLS_PORT).catch(String);
  const before = { stored: fingerprintOf(FILES), shown: await shown() };
  storeSecrets(lab, SECRETS.rotated);
  const begin = Date.now();
  const after = fingerprintOf(FILES);
  return async () => {
    const end = begin + IN_FORCE_MS;
    // turnserver restarts for the certificate, and would lose messages.
    const attempt = () => relay(client, way, SECRETS.rotated, { messages: 0 });
    let { error } = await attempt();
    while (error !== undefined && Date.now() < end) {
      await pause(ATTEMPT_MS);
      ({ error } = await attempt());
    }
    const seconds = secondsSince(begin);
    let seen = await shown();
    while (seen !== after && Date.now() < end) {
      await pause(ATTEMPT_MS);
      seen = await shown();
    }
    return {
      ...(error === undefined ? { seconds } : {}),
      relay: await relay(client, way, SECRETS.rotated),
      old: await relay(client, way, SECRETS.first),
      certificates: { stored: [before.stored, after], shown: [before.shown, seen] },
    };
  };
}
