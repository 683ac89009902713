import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { IndependentFacts } from '../facts.ts';
import { ADDRESSES } from '../network.ts';
import { ACCOUNT, ECHO_PORT } from './session.ts';

/** Of recipes/docker/lab/independent.py, in the image. */
const PROGRAM = '/lab/independent.py';
/** Messages over each transport. */
const MESSAGES = 100;
const TIMEOUT_MS = 400_000;

/** Lets aioice allocate and relay. */
export async function relayByIndependentClient(): Promise<IndependentFacts[]> {
  const { server, peer } = ADDRESSES;
  const args = [
    server.ipv4,
    ACCOUNT.username,
    ACCOUNT.password,
    peer.ipv4,
    String(ECHO_PORT),
    String(MESSAGES),
  ];
  const { stdout } = await promisify(execFile)('python3', [PROGRAM, ...args], { timeout: TIMEOUT_MS });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as IndependentFacts);
}
