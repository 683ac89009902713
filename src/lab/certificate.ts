import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';

/** Where a certificate and its key are, both in PEM. */
export interface CertificateFiles {
  certificate: string;
  key: string;
}

/** Makes a self-signed certificate that the server's user can read. It takes the place of one that is there. */
export function makeCertificate({ certificate, key }: CertificateFiles): void {
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=turn.example.org'],
      ...['-keyout', key, '-out', certificate],
    ],
    { stdio: 'ignore' },
  );
  for (const file of [certificate, key]) chmodSync(file, 0o644);
}

/** Its SHA-256 fingerprint, as TLS shows it. */
export function fingerprintOf({ certificate }: CertificateFiles): string {
  return new X509Certificate(readFileSync(certificate)).fingerprint256;
}
