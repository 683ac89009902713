import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { IndependentFacts } from '../facts.ts';
import { ADDRESSES, UNPRIVILEGED } from '../network.ts';
import type { Endpoint } from '../reach.ts';
import { ACCOUNT, ECHO_PORT } from './session.ts';

/** Path of recipes/docker/lab/independent.py in the image. */
const PROGRAM = '/lab/independent.py';
/** Messages over each transport. */
const MESSAGES = 100;
/** Milliseconds. The program's own timeouts are shorter. */
const TIMEOUT_MS = 400_000;

/** Attempts per transport: the client waits only 16 s for an answer, and the machine may have been busy. */
const TRIES = 2;

/** Allocates and relays with aioice over these transports. Retries failures once with a new client. */
export async function relayByIndependentClient(
  server: Endpoint,
  transports: readonly string[],
): Promise<IndependentFacts[]> {
  const facts = new Map<string, IndependentFacts>();
  let left = transports;
  for (let tries = 1; tries <= TRIES && left.length > 0; tries++) {
    for (const each of await relayOnce(server, left)) facts.set(each.transport, { ...each, tries });
    left = left.filter((transport) => facts.get(transport)?.received !== MESSAGES);
  }
  return [...facts.values()];
}

async function relayOnce(
  { addresses }: Endpoint,
  transports: readonly string[],
): Promise<IndependentFacts[]> {
  const [file = '', ...args] = clientCommand(addresses.ipv4, transports);
  const { stdout } = await promisify(execFile)(file, args, { timeout: TIMEOUT_MS });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as IndependentFacts);
}

export function clientCommand(server: string, transports: readonly string[]): string[] {
  return [
    ...UNPRIVILEGED,
    'python3',
    PROGRAM,
    server,
    ACCOUNT.username,
    ACCOUNT.password,
    ADDRESSES.peer.ipv4,
    String(ECHO_PORT),
    String(MESSAGES),
    ...transports,
  ];
}
