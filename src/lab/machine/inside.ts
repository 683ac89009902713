import type { InsideFacts, ListeningSocket, LoginFacts } from './facts.ts';
import { LIMITS_COMMAND, parseLimits } from './limits.ts';
import type { Probe } from './probe.ts';

/** Sockets that wait for packets: protocol, local address, user id. 0A is TCP's LISTEN, 07 a UDP socket without a peer. */
const SOCKETS = [
  ...['tcp', 'tcp6'].map((name) => `awk '$4 == "0A" { print "${name}", $2, $8 }' /proc/net/${name}`),
  ...['udp', 'udp6'].map((name) => `awk '$4 == "07" { print "${name}", $2, $8 }' /proc/net/${name}`),
].join('; ');

/** Where turn-agent keeps the secret that it has generated. */
export const OWN_SECRET = '/var/lib/turn-agent/secret';
/** Lines `password ACCOUNT`, `keys PATH`, and with an SSH server `sshd KEYWORD VALUE`. A last line proves that all were written. */
const LOGINS = [
  `awk -F: '$2 !~ /^[!*]/ { print "password", $1 }' /etc/shadow`,
  "find / /run -xdev -name 'authorized_keys*' -printf 'keys %p\\n'",
  '[ ! -x /usr/sbin/sshd ] || /usr/sbin/sshd -T | sed "s/^/sshd /"',
  'echo complete',
].join('; ');

/** Milliseconds until the last unit must have started, after the first answer to a client. */
const SETTLE_MS = 120_000;

/**
 * Looks around in a machine that has booted.
 * @param secrets texts that must not be in its journal, one line each
 */
export async function lookInside(probe: Probe, secrets: readonly string[]): Promise<InsideFacts> {
  // turnserver may serve clients before the last unit has started.
  const state = await probe.run('systemctl is-system-running --wait', SETTLE_MS);
  const failed = await probe.run('systemctl list-units --failed --plain --no-legend | cut -d" " -f1');
  const restarts = await probe.run("systemctl show --property=Id,NRestarts '*.service'");
  const sockets = await probe.run(SOCKETS);
  const users = await probe.run('cut -d: -f1,3 /etc/passwd');
  const root = await probe.run('df --block-size=1 --output=size,used / | tail -n 1');
  const [rootBytes, usedBytes] = parseSizes(root);
  return {
    failed: linesOf(failed),
    restarted: restartedUnits(restarts),
    state: state.trim(),
    listening: parseSockets(sockets, users),
    rootBytes,
    usedBytes,
    machineId: (await probe.run('cat /etc/machine-id')).trim(),
    hostKeys: linesOf(await probe.run('cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null')),
    secretLines: parseCount(await probe.run(journalCommand(secrets))),
    ownSecret: (await probe.run(`test ! -e ${OWN_SECRET} || sha256sum <${OWN_SECRET}`)).trim(),
    logins: parseLogins(await probe.run(LOGINS)),
    limits: parseLimits(await probe.run(LIMITS_COMMAND)),
  };
}

/** Output of LOGINS -> facts. @throws Error if it is incomplete */
export function parseLogins(text: string): LoginFacts {
  if (!text.endsWith('\ncomplete\n') && text !== 'complete\n')
    throw new Error(`the ways to log in are unknown: ${text.trim().slice(-200)}`);
  const lines = (kind: string) =>
    text.split('\n').flatMap((line) => (line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : []));
  const sshd = lines('sshd').map((line) => line.split(/ (.*)/) as [string, string?]);
  return {
    passwords: lines('password'),
    keyFiles: [...new Set(lines('keys'))],
    ...(sshd.length === 0
      ? {}
      : { sshd: Object.fromEntries(sshd.map(([name, value]) => [name, value ?? ''])) }),
  };
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

/** Counts the journal's lines that have a secret: one of the laboratory's, or the one that the machine has generated. */
function journalCommand(secrets: readonly string[]): string {
  const patterns = [
    ...secrets.map((text) => `'${text}'`),
    `"$(cat ${OWN_SECRET} 2>/dev/null || echo ${secrets[0]})"`,
  ];
  return `journalctl -o cat --no-pager --all | grep -c -F ${patterns.map((each) => `-e ${each}`).join(' ')}`;
}

/** A number alone on its line. @throws Error for anything else */
function parseCount(text: string): number {
  if (!/^\d+$/.test(text.trim()))
    throw new Error(`the journal could not be searched: ${text.trim().slice(0, 200)}`);
  return Number(text.trim());
}

/** The units that systemd has started again because they had ended. @param text properties of units, as `systemctl show` prints them */
export function restartedUnits(text: string): string[] {
  return text.split('\n\n').flatMap((block) => {
    const [, name] = /^Id=(.*)$/m.exec(block) ?? [];
    const [, times = '0'] = /^NRestarts=(\d+)$/m.exec(block) ?? [];
    return Number(times) > 0 ? [`${name} ${times}`] : [];
  });
}

/** `SIZE USED` in bytes, as df prints them. @throws Error for anything else, which the machine may print */
export function parseSizes(text: string): [size: number, used: number] {
  const [, size, used] = /^\s*([1-9]\d*)\s+([1-9]\d*)\s*$/.exec(text) ?? [];
  if (size === undefined || used === undefined)
    throw new Error(`the size of the file system is unknown: ${text.trim().slice(0, 200)}`);
  return [Number(size), Number(used)];
}

/**
 * Lines `udp 00000000:0D96 100` -> sockets.
 * @param users lines `NAME:UID`
 */
export function parseSockets(text: string, users: string): ListeningSocket[] {
  const names = new Map(users.split('\n').map((line) => line.split(':').reverse() as [string, string]));
  const sockets = [...text.matchAll(/^(tcp6?|udp6?) ([0-9A-F]+):([0-9A-F]{4}) (\d+)$/gm)].map(
    ([, protocol = '', address = '', port = '', uid = '']) => ({
      protocol: protocol as ListeningSocket['protocol'],
      address,
      port: Number.parseInt(port, 16),
      user: names.get(uid) ?? uid,
    }),
  );
  // turnserver opens several sockets for each of its addresses.
  return [...new Map(sockets.map((each) => [JSON.stringify(each), each])).values()];
}
