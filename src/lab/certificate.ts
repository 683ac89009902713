import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';

/** Paths of a certificate and its key, both in PEM. */
export interface CertificateFiles {
  certificate: string;
  key: string;
}

/**
 * Creates a self-signed certificate that the server's user can read. Overwrites existing files.
 * @param hosts names of the server
 */
export function makeCertificate(
  { certificate, key }: CertificateFiles,
  hosts: readonly string[] = ['turn.example.org'],
): void {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', `/CN=${hosts[0]}`],
      ...['-addext', `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}`],
      ...['-keyout', key, '-out', certificate],
    ],
    { stdio: 'ignore' },
  );
  for (const file of [certificate, key]) chmodSync(file, 0o644);
}

/** The certificate's SHA-256 fingerprint, in the format of Node's TLS module. */
export function fingerprintOf({ certificate }: CertificateFiles): string {
  return new X509Certificate(readFileSync(certificate)).fingerprint256;
}
