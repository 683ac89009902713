import { setTimeout as pause } from 'node:timers/promises';
import { RELEASE_MS } from '../../scenarios/answers.ts';
import type { Burst } from '../../sessions.ts';
import { MACHINE } from '../addresses.ts';
import type { TrialFacts } from '../facts.ts';
import { LIMITS } from '../identity.ts';
import { credentialsFor, type Laboratory } from '../laboratory.ts';

/** What the limit allows in five seconds, at once. */
const BURST = { bytes: 1000, messages: (5 * LIMITS.maxBps) / 1000 };

/** Sends more in a moment than the limit of the other boot's settings allows. */
export function sendBurst({ client }: Laboratory, secret: string): Promise<Burst> {
  return client.burst({ address: MACHINE.public4, credentials: credentialsFor(secret, 'carol'), ...BURST });
}

/** Opens one allocation too many for a user, and then for the machine. Tries again if earlier sessions may still have counted. */
export async function tryQuota(
  { client }: Laboratory,
  secret: string,
): Promise<NonNullable<TrialFacts['quota']>> {
  const { userQuota, totalQuota } = LIMITS;
  const of = (user: string, times: number) => Array<string>(times).fill(user);
  const users = [...of('alice', userQuota + 1), ...of('bob', totalQuota - userQuota + 1)];
  const credentials = users.map((user) => credentialsFor(secret, user));
  for (let tries = 1; ; tries++) {
    const words = (await client.allocate({ address: MACHINE.public4, credentials })).map(({ word }) => word);
    const granted = words.filter((word) => word === 'success').length;
    if (granted >= totalQuota || tries === 2)
      return [words.slice(0, userQuota + 1), words.slice(userQuota + 1)];
    await pause(RELEASE_MS);
  }
}
