import { ADDRESSES } from './network.ts';
import type { ServerPlace } from './server.ts';

/** Folder of the laboratory's files, as the server sees it. No package has a folder of this name. */
export const FOLDER = '/turnbuild-laboratory';
/** The same folder outside the package's root, where the package cannot plant links that writes would follow. */
export const FILES = '/laboratory-files';

export const METRICS = 'http://127.0.0.1:9641/metrics';

/** The shipped configuration, unchanged. */
export function shippedConfiguration({ installed, site }: Pick<ServerPlace, 'installed' | 'site'>): string {
  return installed.read(site.configuration);
}

/** Relay ports for scenarios that don't test the range. Shuffling a large range takes long under QEMU. */
export const SMALL_RANGE = portLines(1000);

/** Lines for a range of `count` relay ports that begins at an even port. They override earlier ranges in a configuration. */
export function portLines(count: number): string[] {
  const first = 49_152;
  return [`min-port=${first}`, `max-port=${first + count - 1}`];
}

/**
 * The shipped configuration with the machine's addresses, a certificate and a small relay range.
 * @param more additional lines
 */
export function testConfiguration(
  { name, site, installed }: Pick<ServerPlace, 'name' | 'site' | 'installed'>,
  options: ReadonlySet<string>,
  more: readonly string[] = [],
): string {
  const addresses = [ADDRESSES[name].ipv4, ADDRESSES[name].ipv6];
  const lines = [
    ...addresses.flatMap((address) => [`listening-ip=${address}`, `relay-ip=${address}`]),
    ...SMALL_RANGE,
    'realm=turnbuild.test',
    `cert=${FOLDER}/cert.pem`,
    `pkey=${FOLDER}/key.pem`,
    // In some versions, DTLS is off by default.
    ...(options.has('dtls') ? ['dtls'] : []),
    ...more,
  ];
  return `${shippedConfiguration({ installed, site })}\n${lines.join('\n')}\n`;
}
