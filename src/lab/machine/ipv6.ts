import { MACHINE } from './addresses.ts';
import type { Boot } from './boot.ts';
import { SECRETS, withoutIpv4 } from './identity.ts';
import { credentialsFor, type Laboratory, setPublic } from './laboratory.ts';
import { storedLines } from './trials/rotation.ts';

/** Takes the machine's IPv4 addresses away. The network must not have any either. */
export function removeIpv4({ cloud }: Pick<Laboratory, 'cloud'>): void {
  setPublic(cloud, undefined);
  cloud.change(withoutIpv4);
}

/** The boot of a machine with IPv6 only. */
export const ipv6Boot =
  ({ client }: Laboratory) =>
  async (boot: Boot) => {
    const address = MACHINE.ipv6;
    await boot.answered(client, address);
    const transports = ['udp', 'tcp', 'tls', 'dtls'] as const;
    await boot.relays(
      client,
      transports.map((transport) => ({ transport, server: address })),
      SECRETS.first,
    );
    await boot.trial('anyFamily', () =>
      client.allocate({ address, credentials: [credentialsFor(SECRETS.first)] }),
    );
    await boot.inspect(storedLines());
  };
