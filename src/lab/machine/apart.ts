import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import type { BootFacts } from './facts.ts';

/** Folder that a laboratory apart uses as /tmp. */
const FOLDER = '/tmp/apart';
/** Where the laboratory apart leaves its facts, in its own /tmp. */
export const APART_FACTS = '/tmp/facts.json';

/** Settings of a router. The container's own network namespace has them from its creation (src/plan/lab.ts), a new one does not. */
const SYSCTLS = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'];

/** Docker's /proc/sys cannot be written, so the settings need another /proc. */
const SCRIPT = [
  'mount -t proc proc /proc',
  ...SYSCTLS.map((name) => `echo 1 >/proc/sys/net/${name}`),
  'ip link set lo up',
  `mount --bind ${FOLDER} /tmp`,
  'exec "$@"',
].join('\n');

/**
 * The command that runs a program as the router and the cloud of another machine: in a network namespace of its own, so that all addresses
 * are the same, and with a /tmp of its own. Pure.
 */
export function apartCommand(program: readonly string[]): string[] {
  return ['unshare', '--net', '--mount', '--', 'sh', '-ec', SCRIPT, 'sh', ...program];
}

/** Boots another machine in a laboratory apart, whose output is this one's. @throws Error if that laboratory fails */
export async function bootApart(kvm: boolean): Promise<BootFacts> {
  mkdirSync(FOLDER, { recursive: true });
  const [file = '', ...args] = apartCommand([process.execPath, process.argv[1] ?? '', 'apart', String(kvm)]);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise((resolve, reject) => {
    child.once('close', (status, signal) => resolve(status ?? signal));
    child.once('error', reject);
  });
  if (code !== 0) throw new Error(`the laboratory of the other machine ended with ${code}`);
  return JSON.parse(readFileSync(APART_FACTS.replace('/tmp', FOLDER), 'utf8')) as BootFacts;
}
