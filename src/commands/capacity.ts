import { EXIT } from '../errors.ts';
import { capacityOf, parsePorts, rangeWarnings } from '../plan/capacity.ts';
import { countOption } from '../run/options.ts';
import { openProject } from '../run/project.ts';
import { cacheFolder } from '../run/session.ts';
import { formatBytes, formatNumber } from '../ui/format.ts';
import type { Output } from '../ui/output.ts';

interface CapacityOptions {
  ports?: string;
  addresses?: string;
  participants?: string;
  allocations?: string;
  evenPort?: boolean;
  json?: boolean;
}

/** `turnbuild capacity`: estimates how many calls a machine can carry, and the limits that they require. */
export async function capacity(_: undefined, options: CapacityOptions, output: Output): Promise<number> {
  const { release } = (await openProject({}, cacheFolder())).recipes;
  const range = options.ports === undefined ? release.relay : parsePorts(options.ports);
  const input = {
    range,
    addresses: countOption('addresses', options.addresses) ?? 1,
    participants: countOption('participants', options.participants) ?? 2,
    allocations: countOption('allocations', options.allocations) ?? 1,
    pairs: options.evenPort === true,
  };
  const result = capacityOf(input);
  if (options.json === true) output.data({ input, ...result, warnings: rangeWarnings(range) });
  else {
    const { minPort, maxPort } = range;
    const lines: [string, string][] = [
      ['relay ports', `${minPort}-${maxPort}: ${formatNumber(result.ports)} per relay address`],
      [
        'allocations',
        `${formatNumber(result.allocations)} (${formatNumber(result.allocationsPerAddress)} per address)`,
      ],
      ['calls', `${formatNumber(result.calls)} with ${callOf(input)}`],
      ['memory', `${formatBytes(result.memory)} for all allocations, plus channels, TLS and traffic`],
      ['LimitNOFILE', String(result.openFiles)],
      ...Object.entries(result.sysctls),
    ];
    const width = Math.max(...lines.map(([name]) => name.length));
    for (const [name, value] of lines) output.line(`${name.padEnd(width)}  ${value}`);
    for (const warning of rangeWarnings(range)) output.line(warning);
  }
  return EXIT.ok;
}

function callOf({ participants, allocations }: { participants: number; allocations: number }): string {
  const each = allocations === 1 ? '' : `, ${allocations} allocations each`;
  return `${participants} relayed participant${participants === 1 ? '' : 's'}${each}`;
}
