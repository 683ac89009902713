import { isIP } from 'node:net';
import type { ServiceFacts } from '../facts.ts';
import { startServer } from '../server.ts';
import { testConfiguration } from '../server-configuration.ts';
import { type Systemd, startSystemd, writeUnit } from '../systemd.ts';
import { reachMetadata } from './metadata.ts';
import type { ServiceLab } from './service.ts';
import { ACCOUNT } from './session.ts';

/** The unit with the rules; the server joins its control group. */
const RULES = 'turnbuild-rules.service';
/** The properties with a unit's rules (systemd.resource-control(5)). */
const PROPERTIES = ['IPAddressAllow', 'IPAddressDeny'] as const;

/**
 * Sends to the metadata addresses, as a client and as a process, under the unit's IPAddressAllow= and IPAddressDeny=. systemd implements
 * these with BPF programs, which only the host's root may load, so the contained systemd cannot. A second systemd, which gets nothing
 * else from the package, therefore applies the unit's rules to a control group. turnserver runs in that group.
 */
export async function tryMetadata(
  lab: ServiceLab,
  unit: string,
  systemd: Systemd,
): Promise<ServiceFacts['reached']> {
  const { clients, namespaces, containment, installed, settings } = lab;
  if (clients === undefined) return [];
  const rules = await Promise.all(
    PROPERTIES.map(async (name) => ruleLine(name, await systemd.property(unit, name))),
  );
  writeUnit(RULES, ['[Service]', 'ExecStart=sleep infinity', ...rules.flat(), ''].join('\n'));
  const name = 'filtered';
  const keeper = await startSystemd({ name, network: namespaces[name] });
  try {
    const { code, output } = await keeper.control('start', RULES);
    if (code !== 0) throw new Error(`cannot apply the unit's rules: ${output}`);
    const place = {
      ...({ name, namespace: namespaces[name], containment, installed, agent: lab.agentOn(name) } as const),
      ...settings,
      controlGroup: await keeper.controlGroup(RULES),
    };
    const lines = [`user=${ACCOUNT.username}:${ACCOUNT.password}`];
    const configuration = withoutDenials(testConfiguration(place, new Set(settings.options), lines));
    const server = await startServer(place, configuration);
    try {
      return await reachMetadata({ clients, server }, place.namespace, place.controlGroup);
    } finally {
      await server.stop();
    }
  } finally {
    await keeper.stop();
  }
}

/**
 * Formats a unit setting that lists networks. The package may have manipulated the value.
 * @throws if the value contains anything but networks
 */
export function ruleLine(name: string, value: string): string[] {
  const networks = value.split(/\s+/).filter((word) => word !== '');
  const wrong = networks.find((network) => {
    const [address = '', length = '0', ...more] = network.split('/');
    return isIP(address) === 0 || !/^\d{1,3}$/.test(length) || more.length > 0;
  });
  if (wrong !== undefined)
    throw new Error(`${name} in the unit has ${JSON.stringify(wrong)}, which is not a network`);
  return networks.length === 0 ? [] : [`${name}=${networks.join(' ')}`];
}

/** Removes all lines that deny peers. */
function withoutDenials(configuration: string): string {
  const kept = configuration
    .split('\n')
    .filter((line) => !/^(denied-peer-ip=|no-multicast-peers)/.test(line));
  return kept.join('\n');
}
