import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { attribute, UDP } from '../../turn/attributes.ts';
import type { Answer, Authentication, Credentials, TurnClient } from '../../turn/client.ts';
import { ATTRIBUTE, attributeOf, METHOD } from '../../turn/message.ts';
import type { AnswerFacts, Scenario } from '../facts.ts';
import { ADDRESSES } from '../network.ts';
import {
  ACCOUNT,
  addressIn,
  allocate,
  connectUdp,
  hangUp,
  relayedOf,
  silence,
  type Tried,
  wordOf,
} from './session.ts';

const stun = (section: string) => `https://www.rfc-editor.org/rfc/rfc8489#section-${section}`;
const turn = (section: string) => `https://www.rfc-editor.org/rfc/rfc8656#section-${section}`;
const REST = 'https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00';

/** A second account of the laboratory's configurations. */
export const OTHER_ACCOUNT = { username: 'another', password: 'another-password-of-the-laboratory' };
export const SECRET = 'a-secret-of-the-laboratory';
/** Of the configuration in which limits are tried. */
export const LIMITS = { ports: 6, quota: 3, nonceSeconds: 2, allocationSeconds: 8 };

const PEER = { address: ADDRESSES.peer.ipv4, port: 9 };
const udp = attribute.requestedTransport(UDP);
const peer = attribute.xorPeerAddress(PEER);

type Found = string | Answer;

/** Answers other than the RFC's, by situation, that refuse just as well. Seen in coturn 4.6.1. */
const TOLERATED: Readonly<Record<string, string[]>> = {
  'allocate.transport': ['400'],
  'allocate.unknown-token': ['404'],
  'permission.no-allocation': ['400'],
  'refresh.ended': ['400'],
  'allocation.expiry': ['success 400'],
};

/** Notes one answer. An answer as a whole is taken by its word, and by whether it is authentic if that is asked. */
function note(
  id: string,
  title: string,
  reference: string,
  expected: string,
  found: Found,
  authentic = false,
): AnswerFacts {
  const facts = { id, title, reference, expected: [expected], tolerated: TOLERATED[id] ?? [] };
  if (typeof found === 'string') return { ...facts, found };
  return { ...facts, found: wordOf(found), ...(authentic ? { authentic: found.authentic } : {}) };
}

/** Milliseconds that the end of an allocation may take: coturn's timers go by whole seconds. */
const RELEASE_MS = 3000;

/** Asks again and again until the answer is an error, or for 3 s. */
async function untilRefused(ask: () => Promise<Answer>): Promise<Answer> {
  const end = Date.now() + RELEASE_MS;
  for (;;) {
    const answer = await ask();
    if (answer.error !== undefined || Date.now() > end) return answer;
    await pause(200);
  }
}

/**
 * A client that knows the server's realm and nonce, and has done nothing else yet: after a request that was wrong some
 * versions answer the next one of the same client otherwise.
 */
async function challenged(tried: Tried): Promise<{ client: TurnClient; known: Authentication }> {
  const client = await connectUdp(tried);
  const { message } = await client.request(METHOD.allocate, [udp]);
  const text = (type: number) => attributeOf(message, type)?.toString() ?? '';
  return { client, known: { ...ACCOUNT, realm: text(ATTRIBUTE.realm), nonce: text(ATTRIBUTE.nonce) } };
}

type Attributes = Parameters<TurnClient['request']>[1];

/** One request of a client of its own. */
async function once(
  tried: Tried,
  method: number,
  attributes: Attributes,
  change: Partial<Authentication> = {},
): Promise<Answer> {
  const { client, known } = await challenged(tried);
  try {
    return await client.request(method, attributes, { ...known, ...change });
  } finally {
    client.close();
  }
}

/** Requests of one subject, by the scenario's name. */
type Groups = Partial<Record<Scenario, (tried: Tried) => Promise<AnswerFacts[]>>>;

/** Credentials and requests that are wrong in one thing each, on the configuration that serves everybody else. */
export const REQUESTS = {
  binding,
  credentials,
  'without an allocation': withoutAllocation,
  'with an allocation': withAllocation,
  'ending an allocation': ending,
  'denied peers': peers,
} satisfies Groups;

async function binding(tried: Tried): Promise<AnswerFacts[]> {
  const client = await connectUdp(tried);
  const answer = await client.request(METHOD.binding, []);
  const mapped = addressIn(answer, ATTRIBUTE.xorMappedAddress);
  const own = mapped?.address === ADDRESSES.client.ipv4 && mapped.port === client.transport.local?.port;
  const unknown = await client.request(METHOD.binding, [{ type: 0x7abc, value: Buffer.alloc(4) }]);
  client.close();
  const found = own ? answer : `another address: ${mapped?.address}`;
  return [
    note('binding', 'A Binding request gets its own address back', stun('3'), 'success', found),
    note(
      'binding.unknown-attribute',
      'An unknown attribute that has to be understood',
      stun('6.3.1'),
      '420',
      unknown,
    ),
  ];
}

async function credentials(tried: Tried): Promise<AnswerFacts[]> {
  const client = await connectUdp(tried);
  const none = await client.request(METHOD.allocate, [udp]);
  client.close();
  const as = (change: Partial<Authentication>) => once(tried, METHOD.allocate, [udp], change);
  const at = stun('9.2.4');
  return [
    note('credentials.none', 'Allocate without credentials', at, '401', none),
    note(
      'credentials.password',
      'Allocate with a wrong password',
      at,
      '401',
      await as({ password: 'wrong' }),
    ),
    note(
      'credentials.user',
      'Allocate as a user that nobody knows',
      at,
      '401',
      await as({ username: 'nobody' }),
    ),
    note(
      'credentials.nonce',
      'Allocate with a nonce of another server',
      at,
      '438',
      await as({ nonce: '0123456789abcdef' }),
    ),
  ];
}

async function withoutAllocation(tried: Tried): Promise<AnswerFacts[]> {
  const at = turn('7.2');
  const token = attribute.reservationToken(Buffer.alloc(8, 1));
  const allocateWith = (...attributes: Attributes) => once(tried, METHOD.allocate, attributes);
  return [
    note('allocate.no-transport', 'Allocate without REQUESTED-TRANSPORT', at, '400', await allocateWith()),
    note(
      'allocate.transport',
      'Allocate for a transport that is none',
      at,
      '442',
      await allocateWith(attribute.requestedTransport(99)),
    ),
    note(
      'allocate.token-and-even-port',
      'Allocate with EVEN-PORT and RESERVATION-TOKEN at once',
      at,
      '400',
      await allocateWith(udp, attribute.evenPort(true), token),
    ),
    note(
      'allocate.unknown-token',
      'Allocate with a reservation that nobody has made',
      at,
      '508',
      await allocateWith(udp, token),
    ),
    note(
      'refresh.no-allocation',
      'Refresh without an allocation',
      turn('8.2'),
      '437',
      await once(tried, METHOD.refresh, [attribute.lifetime(600)]),
    ),
    note(
      'permission.no-allocation',
      'CreatePermission without an allocation',
      turn('6'),
      '437',
      await once(tried, METHOD.createPermission, [peer]),
    ),
  ];
}

async function withAllocation(tried: Tried): Promise<AnswerFacts[]> {
  const { client, known } = await challenged(tried);
  const ask = (method: number, ...attributes: Attributes) => client.request(method, attributes, known);
  const bind = (channel: number, to = peer) => ask(METHOD.channelBind, attribute.channelNumber(channel), to);
  const facts: AnswerFacts[] = [];
  const add = (...args: Parameters<typeof note>) => facts.push(note(...args));
  const allocation = await ask(METHOD.allocate, udp);
  const relayed = relayedOf(allocation);
  const found =
    relayed?.address === tried.server.addresses.ipv4 ? allocation : `relayed address ${relayed?.address}`;
  add('allocate', 'Allocate with everything right', turn('7.3'), 'success', found, true);
  add(
    'allocate.again',
    'Allocate where there is an allocation',
    turn('7.2'),
    '437',
    await ask(METHOD.allocate, udp),
  );
  add(
    'permission',
    'CreatePermission with everything right',
    turn('10.2'),
    'success',
    await ask(METHOD.createPermission, peer),
    true,
  );
  add(
    'permission.no-peer',
    'CreatePermission without a peer',
    turn('10.2'),
    '400',
    await ask(METHOD.createPermission),
  );
  add('channel', 'ChannelBind with everything right', turn('12.2'), 'success', await bind(0x4002), true);
  add(
    'channel.again',
    'ChannelBind once more, which renews it',
    turn('12.2'),
    'success',
    await bind(0x4002),
    true,
  );
  add(
    'channel.number',
    "ChannelBind with a number that is no channel's",
    turn('12.2'),
    '400',
    await bind(0x3fff),
  );
  add(
    'channel.no-number',
    'ChannelBind without a number',
    turn('12.2'),
    '400',
    await ask(METHOD.channelBind, peer),
  );
  const otherPeer = attribute.xorPeerAddress({ ...PEER, port: 10 });
  add(
    'channel.other-peer',
    "ChannelBind of a channel that is another peer's",
    turn('12.2'),
    '400',
    await bind(0x4002, otherPeer),
  );
  add('channel.second', 'ChannelBind of a second channel to a peer', turn('12.2'), '400', await bind(0x4003));
  const other = { ...known, ...OTHER_ACCOUNT };
  add(
    'refresh.other-user',
    'Refresh as another user than the one who allocated',
    turn('8.2'),
    '441',
    await client.request(METHOD.refresh, [attribute.lifetime(600)], other),
  );
  await hangUp(client);
  return facts;
}

/** An allocation that its client ends: by then nothing of it may be left. */
async function ending(tried: Tried): Promise<AnswerFacts[]> {
  const client = await connectUdp(tried);
  await allocate(client, 'ipv4');
  const end = await client.ask(METHOD.refresh, [attribute.lifetime(0)]);
  // With the allocation its nonce goes, too: `ask` takes the new one.
  const after = await untilRefused(() => client.ask(METHOD.createPermission, [peer]));
  client.close();
  return [
    note('refresh.end', 'Refresh with a lifetime of 0', turn('8.2'), 'success', end, true),
    note(
      'refresh.ended',
      'CreatePermission on the allocation that it ended, within 3 s',
      turn('6'),
      '437',
      after,
    ),
  ];
}

async function peers(tried: Tried): Promise<AnswerFacts[]> {
  const client = await connectUdp(tried);
  await allocate(client, 'ipv4');
  const permit = (address: string) =>
    client.ask(METHOD.createPermission, [attribute.xorPeerAddress({ address, port: 9 })]);
  const facts = [
    note(
      'peer.forbidden',
      'CreatePermission for a peer that the configuration denies',
      turn('10.2'),
      '403',
      await permit('10.0.0.1'),
    ),
    note(
      'peer.family',
      'CreatePermission for an IPv6 peer on an IPv4 allocation',
      turn('10.2'),
      '443',
      await permit(ADDRESSES.peer.ipv6),
    ),
  ];
  await hangUp(client);
  return facts;
}

/** Quotas, ports, nonces and lifetimes that run out, on a configuration with small ones. */
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
      `${LIMITS.quota + 1} allocations where one user may have ${LIMITS.quota}`,
      turn('7.2'),
      [...Array(LIMITS.quota).fill('success'), '486'].join(' '),
      words.join(' '),
    ),
  ];
}

async function ports(tried: Tried): Promise<AnswerFacts[]> {
  // Half of them each, because a user has a quota.
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
  if (old === undefined) throw new Error('the server has sent no challenge');
  await pause((LIMITS.nonceSeconds + 1) * 1000);
  // The server's clock goes by whole seconds, and late where it is busy.
  const stale = await untilRefused(() =>
    client.request(METHOD.createPermission, [peer], { ...ACCOUNT, ...old }),
  );
  const renewed = await client.ask(METHOD.createPermission, [peer]);
  const changed = client.challenge?.nonce !== old.nonce;
  await hangUp(client);
  return [
    note('nonce.stale', 'A nonce that is too old', stun('9.2.4'), '438', stale),
    note(
      'nonce.renewed',
      'The same request with the nonce that came with that',
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
  // The server looks for what has expired now and then, not at once.
  await pause((LIMITS.allocationSeconds + 3) * 1000);
  const gone = wordOf(await client.ask(METHOD.createPermission, [peer]));
  client.close();
  return [
    note(
      'allocation.expiry',
      'CreatePermission on an allocation, and again when its lifetime is over',
      turn('3.2'),
      'success 437',
      `${alive} ${gone}`,
    ),
  ];
}

/** The name and password that a web service makes of a shared secret. @param until milliseconds since the epoch */
export function restCredentials(until: number, secret = SECRET): Credentials {
  const username = `${Math.floor(until / 1000)}:alice`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}

/** Credentials that are valid, expired, and made with another secret. */
export async function tryRestSecret(tried: Tried, now: number): Promise<AnswerFacts[]> {
  const attempt = async (credentials: Credentials) => {
    const client = await connectUdp(tried, credentials);
    const word = await allocate(client, 'ipv4').then(wordOf, silence);
    await hangUp(client);
    return word;
  };
  const [later, before] = [now + 3_600_000, now - 3_600_000];
  return [
    note(
      'rest.valid',
      'A REST credential that is valid for an hour',
      REST,
      'success',
      await attempt(restCredentials(later)),
    ),
    note(
      'rest.expired',
      'A REST credential that was valid until an hour ago',
      REST,
      '401',
      await attempt(restCredentials(before)),
    ),
    note(
      'rest.secret',
      'A REST credential made with another secret',
      REST,
      '401',
      await attempt(restCredentials(later, 'wrong')),
    ),
  ];
}
