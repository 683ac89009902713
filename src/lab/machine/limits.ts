import type { LimitFacts } from './facts.ts';

/** Settings of the kernel that depend on the relay range. */
const SYSCTLS = [
  'fs.nr_open',
  'net.core.rmem_max',
  'net.core.wmem_max',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
];

/** Lines `sysctl NAME VALUE`, and `open-files LIMIT` of turnserver. */
export const LIMITS_COMMAND = [
  ...SYSCTLS.map((name) => `echo sysctl ${name} $(cat /proc/sys/${name.replaceAll('.', '/')})`),
  `awk '/^Max open files/ { print "open-files", $4 }' /proc/$(systemctl show --property=MainPID --value coturn)/limits`,
].join('; ');

/** Output of LIMITS_COMMAND -> facts. @throws Error if something is missing */
export function parseLimits(text: string): LimitFacts {
  const [, openFiles] = /^open-files (\d+)$/m.exec(text) ?? [];
  const sysctls = [...text.matchAll(/^sysctl (\S+) (.+)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  if (openFiles === undefined || sysctls.length !== SYSCTLS.length)
    throw new Error(`the limits are unknown: ${text.trim().slice(-200)}`);
  return { openFiles: Number(openFiles), sysctls: Object.fromEntries(sysctls) };
}
