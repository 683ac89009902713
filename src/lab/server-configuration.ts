import { ADDRESSES } from './network.ts';
import type { ServerPlace } from './server.ts';

/** Folder of the laboratory's own files, as the server sees it; no package has one of that name. */
export const FOLDER = '/turnbuild-laboratory';
/** The same folder, out of the package's reach: what is written here must not follow a link that the package has put there. */
export const FILES = '/laboratory-files';

export const METRICS = 'http://127.0.0.1:9641/metrics';

/** The configuration that the package ships, as it is. */
export function shippedConfiguration({ installed, site }: Pick<ServerPlace, 'installed' | 'site'>): string {
  return installed.read(site.configuration);
}

/** Relay ports where the range is not what is tried: a large one takes long to shuffle under QEMU. */
export const SMALL_RANGE = portLines(1000);

/** A relay range of so many ports; it begins with an even one. Of two ranges in a configuration the last one counts. */
export function portLines(count: number): string[] {
  const first = 49_152;
  return [`min-port=${first}`, `max-port=${first + count - 1}`];
}

/**
 * The shipped configuration with what a test needs: the machine's addresses, a certificate, and a small relay range.
 * @param more further lines
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
    // Some versions leave DTLS off until it is asked for.
    ...(options.has('dtls') ? ['dtls'] : []),
    ...more,
  ];
  return `${shippedConfiguration({ installed, site })}\n${lines.join('\n')}\n`;
}
