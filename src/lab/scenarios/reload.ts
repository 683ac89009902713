import { setTimeout as pause } from 'node:timers/promises';
import { type CertificateFiles, fingerprintOf, makeCertificate } from '../certificate.ts';
import type { ReloadFacts } from '../facts.ts';
import type { RemoteAgent } from '../remote.ts';
import { FILES, FOLDER } from '../server-configuration.ts';
import type { Systemd } from '../systemd.ts';
import { exchange, openWay } from './relay.ts';
import { connectUdp, hangUp, type Tried } from './session.ts';

/** Port of TLS clients. */
const TLS_PORT = 5349;
/** Timeout in milliseconds until new connections get the new certificate: systemd does not wait until the signal has been handled. */
const READ_AGAIN_MS = 10_000;
const MESSAGES = 100;

/** File names that differ from the other servers' certificate. */
const NAMES = { certificate: 'service-cert.pem', key: 'service-key.pem' };
const RENEWED: CertificateFiles = {
  certificate: `${FILES}/${NAMES.certificate}`,
  key: `${FILES}/${NAMES.key}`,
};

/** Creates the unit's certificate. Returns the configuration lines for it. */
export function certificateLines(): string[] {
  makeCertificate(RENEWED);
  return [`cert=${FOLDER}/${NAMES.certificate}`, `pkey=${FOLDER}/${NAMES.key}`];
}

/** Replaces a running unit's certificate and reloads the unit during a UDP session. */
export async function reloadUnderSession(
  tried: Tried,
  { systemd, unit, agent }: { systemd: Systemd; unit: string; agent: RemoteAgent },
): Promise<ReloadFacts> {
  const shown = () =>
    agent
      .certificate(tried.server.addresses.ipv4, TLS_PORT)
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  const client = await connectUdp(tried);
  try {
    await openWay(client, 'ipv4', 'send');
    const process = await systemd.property(unit, 'MainPID');
    const before = await shown();
    const old = fingerprintOf(RENEWED);
    makeCertificate(RENEWED);
    const renewed = fingerprintOf(RENEWED);
    const { code, output } = await systemd.control('reload', unit);
    const end = Date.now() + READ_AGAIN_MS;
    let after = await shown();
    while (after !== renewed && Date.now() < end) {
      await pause(200);
      after = await shown();
    }
    const messages = await exchange(client, 'ipv4', 'send', MESSAGES);
    return {
      asked: code === 0 ? 'success' : output,
      ...{ before, after, files: { before: old, after: renewed } },
      ...messages,
      sameProcess: process !== '0' && process === (await systemd.property(unit, 'MainPID')),
    };
  } finally {
    await hangUp(client);
  }
}
