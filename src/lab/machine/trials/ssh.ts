import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { MACHINE } from '../addresses.ts';
import type { LoginAttempt } from '../facts.ts';
import { METADATA_USERS, OS_LOGIN_USER, withOsLogin, withSshKey } from '../identity.ts';
import type { Laboratory } from '../laboratory.ts';
import { hand } from '../vm.ts';

/** The administrator of images for EC2. */
const ADMIN = 'admin';
/** Shows whose session it is, and whether its user can become root without a password. */
const COMMAND = 'echo "$(id -un), sudo: $(sudo -n id -un)"';

/** Seconds in which sshd must greet a client, and after which a port counts as closed by a firewall. */
const SERVED_SECONDS = 20;
const FILTERED_SECONDS = 4;

/** Generates the keys of the clients. Their programs run as the user nobody, so the files are his. */
export function makeSshKeys(): Laboratory['sshKeys'] {
  const make = (name: LoginAttempt['key']) => {
    const path = `/tmp/ssh-${name}`;
    for (const file of [path, `${path}.pub`]) rmSync(file, { force: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', path]);
    hand(path);
    return path;
  };
  return { metadata: make('metadata'), 'os-login': make('os-login'), stranger: make('stranger') };
}

const publicKey = (path: string) => readFileSync(`${path}.pub`, 'utf8').trim();

/** Puts a key into the metadata. */
export function offerSshKey({ cloud, sshKeys }: Pick<Laboratory, 'cloud' | 'sshKeys'>): void {
  cloud.change((state) => withSshKey(state, publicKey(sshKeys.metadata)));
}

/**
 * Tries to log in: with the key of the metadata as each account, with another key, and from a network that the settings do not list. On
 * Compute Engine, nobody may succeed until OS Login is enabled.
 * @param public4 the machine's public address
 */
export async function tryLogins(lab: Laboratory, public4: string): Promise<LoginAttempt[]> {
  const isAws = lab.settings.cloud === 'aws';
  const [user, ...others]: [string, ...string[]] = isAws
    ? [ADMIN, ...METADATA_USERS]
    : [...METADATA_USERS, ADMIN];
  const attempt = (wanted: Omit<LoginAttempt, 'found' | 'osLogin'>) =>
    logIn(lab, { ...wanted, osLogin: false }, MACHINE.ipv6);
  // First, because sshd refuses connections of addresses that have failed to log in a few times.
  const first = await attempt({ user, key: 'metadata', listed: true });
  const rest = await Promise.all([
    ...others.map((other) => attempt({ user: other, key: 'metadata', listed: true })),
    attempt({ user, key: 'stranger', listed: true }),
    attempt({ user, key: 'metadata', listed: false }),
  ]);
  return [first, ...rest, ...(isAws ? [] : await tryOsLogin(lab, public4))];
}

async function logIn(
  { client, peer, sshKeys }: Laboratory,
  attempt: Omit<LoginAttempt, 'found'>,
  address: string,
): Promise<LoginAttempt> {
  const { user, key, listed } = attempt;
  const connectSeconds = listed ? SERVED_SECONDS : FILTERED_SECONDS;
  const login = { user, address, key: sshKeys[key], command: COMMAND, connectSeconds };
  return { ...attempt, found: await (listed ? client : peer).logIn(login) };
}

/** Milliseconds until Google's guest agent must have enabled OS Login. */
const ENABLED_MS = 90_000;
/** sshd may still be reading its configuration again. */
const RETRIES = 2;
const RETRY_MS = 4000;

/** Enables OS Login while the machine runs. The client comes from its other address, which has not failed to log in. */
async function tryOsLogin(lab: Laboratory, public4: string): Promise<LoginAttempt[]> {
  const before = lab.requests.all().length;
  lab.cloud.change((state) => withOsLogin(state, publicKey(lab.sshKeys['os-login'])));
  // The guest agent asks for groups last, after it has configured sshd.
  const isEnabled = () =>
    lab.requests
      .all()
      .slice(before)
      .some(({ path }) => path.endsWith('/oslogin/groups'));
  for (const end = Date.now() + ENABLED_MS; !isEnabled() && Date.now() < end; ) await pause(500);
  const attempt = (user: string, key: LoginAttempt['key']) =>
    logIn(lab, { user, key, listed: true, osLogin: true }, public4);
  let found = await attempt(OS_LOGIN_USER, 'os-login');
  for (let tries = 0; tries < RETRIES && !found.found.startsWith(`${OS_LOGIN_USER}, `); tries++) {
    await pause(RETRY_MS);
    found = await attempt(OS_LOGIN_USER, 'os-login');
  }
  return [found, await attempt(METADATA_USERS[0], 'metadata'), await attempt(OS_LOGIN_USER, 'stranger')];
}
