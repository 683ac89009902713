import { setTimeout as pause } from 'node:timers/promises';
import type { TurnClient } from '../../turn/client.ts';
import { METHOD } from '../../turn/message.ts';
import type { AnswerFacts } from '../facts.ts';
import { type Groups, note, peer, RELEASE_MS, stun, turn, untilRefused } from './answers.ts';
import { ACCOUNT, allocate, connectUdp, hangUp, OTHER_ACCOUNT, type Tried, wordOf } from './session.ts';

/** Limits of the configuration for these scenarios. */
export const LIMITS = { ports: 6, quota: 3, nonceSeconds: 2, allocationSeconds: 8 };

/** Tests quotas, port exhaustion, stale nonces and expiring allocations on a configuration with small limits. */
export const LIMITED = {
  quota,
  ports,
  nonce,
  expiry,
} satisfies Groups;

async function quota(tried: Tried): Promise<AnswerFacts[]> {
  const clients = await connectMany(tried, LIMITS.quota + 1);
  const words: string[] = [];
  for (const client of clients) words.push(wordOf(await allocate(client, 'ipv4')));
  for (const client of clients) await hangUp(client);
  await pause(RELEASE_MS);
  return [
    note(
      'quota',
      `${LIMITS.quota + 1} allocations of a user with a quota of ${LIMITS.quota}`,
      turn('7.2'),
      [...Array(LIMITS.quota).fill('success'), '486'].join(' '),
      words.join(' '),
    ),
  ];
}

async function ports(tried: Tried): Promise<AnswerFacts[]> {
  // Two users share the ports because each has a quota.
  const half = LIMITS.ports / 2;
  const clients = [...(await connectMany(tried, half)), ...(await connectMany(tried, half, OTHER_ACCOUNT))];
  const words: string[] = [];
  for (const client of clients) words.push(wordOf(await allocate(client, 'ipv4')));
  const [extra] = await connectMany(tried, 1, THIRD_ACCOUNT);
  if (extra !== undefined) words.push(wordOf(await allocate(extra, 'ipv4')));
  for (const client of [...clients, ...(extra === undefined ? [] : [extra])]) await hangUp(client);
  await pause(RELEASE_MS);
  return [
    note(
      'ports',
      `${LIMITS.ports + 1} allocations from ${LIMITS.ports} relay ports`,
      turn('7.2'),
      [...Array(LIMITS.ports).fill('success'), '508'].join(' '),
      words.join(' '),
    ),
  ];
}

export const THIRD_ACCOUNT = { username: 'third', password: 'third-password-of-the-laboratory' };

async function connectMany(tried: Tried, count: number, account = ACCOUNT): Promise<TurnClient[]> {
  return Promise.all(Array.from({ length: count }, () => connectUdp(tried, account)));
}

async function nonce(tried: Tried): Promise<AnswerFacts[]> {
  const client = await connectUdp(tried);
  await allocate(client, 'ipv4');
  const old = client.challenge;
  if (old === undefined) throw new Error('the server did not send a challenge');
  await pause((LIMITS.nonceSeconds + 1) * 1000);
  // The server's clock ticks once per second, later if the machine is busy.
  const stale = await untilRefused(() =>
    client.request(METHOD.createPermission, [peer], { ...ACCOUNT, ...old }),
  );
  const renewed = await client.ask(METHOD.createPermission, [peer]);
  const changed = client.challenge?.nonce !== old.nonce;
  await hangUp(client);
  return [
    note('nonce.stale', 'A stale nonce', stun('9.2.4'), '438', stale),
    note(
      'nonce.renewed',
      'The same request with the new nonce',
      stun('9.2.5'),
      'success',
      changed ? renewed : 'the same nonce',
      true,
    ),
  ];
}

async function expiry(tried: Tried): Promise<AnswerFacts[]> {
  const client = await connectUdp(tried);
  await allocate(client, 'ipv4');
  const alive = wordOf(await client.ask(METHOD.createPermission, [peer]));
  // The server checks for expired allocations periodically.
  await pause((LIMITS.allocationSeconds + 3) * 1000);
  const gone = wordOf(await client.ask(METHOD.createPermission, [peer]));
  client.close();
  return [
    note(
      'allocation.expiry',
      'CreatePermission before and after the allocation expires',
      turn('3.2'),
      'success 437',
      `${alive} ${gone}`,
    ),
  ];
}
