import { attribute, UDP } from '../../turn/attributes.ts';
import type { Answer, Authentication, TurnClient } from '../../turn/client.ts';
import { ATTRIBUTE, attributeOf, METHOD } from '../../turn/message.ts';
import type { AnswerFacts } from '../facts.ts';
import { ADDRESSES } from '../network.ts';
import { type Groups, note, PEER, peer, stun, turn, untilRefused } from './answers.ts';
import {
  ACCOUNT,
  addressIn,
  allocate,
  connectUdp,
  hangUp,
  OTHER_ACCOUNT,
  relayedOf,
  type Tried,
} from './session.ts';

const udp = attribute.requestedTransport(UDP);

/**
 * Connects a client that knows the server's realm and nonce and has sent nothing else. It is new because some versions answer differently
 * after an invalid request from the same client.
 */
async function challenged(tried: Tried): Promise<{ client: TurnClient; known: Authentication }> {
  const client = await connectUdp(tried);
  const { message } = await client.request(METHOD.allocate, [udp]);
  const text = (type: number) => attributeOf(message, type)?.toString() ?? '';
  return { client, known: { ...ACCOUNT, realm: text(ATTRIBUTE.realm), nonce: text(ATTRIBUTE.nonce) } };
}

type Attributes = Parameters<TurnClient['request']>[1];

/** Sends one request from a new client. */
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

/** Valid requests, and requests with one error each, on an ordinary configuration. */
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
    note('binding', "A Binding response contains the client's address", stun('3'), 'success', found),
    note(
      'binding.unknown-attribute',
      'An unknown comprehension-required attribute',
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
    note('credentials.user', 'Allocate as an unknown user', at, '401', await as({ username: 'nobody' })),
    note(
      'credentials.nonce',
      'Allocate with a nonce from another server',
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
      'Allocate for an unsupported transport protocol',
      at,
      '442',
      await allocateWith(attribute.requestedTransport(99)),
    ),
    note(
      'allocate.token-and-even-port',
      'Allocate with both EVEN-PORT and RESERVATION-TOKEN',
      at,
      '400',
      await allocateWith(udp, attribute.evenPort(true), token),
    ),
    note(
      'allocate.unknown-token',
      'Allocate with an unknown reservation token',
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
  add('allocate', 'A valid Allocate request', turn('7.3'), 'success', found, true);
  add(
    'allocate.again',
    'A second Allocate request from the same client',
    turn('7.2'),
    '437',
    await ask(METHOD.allocate, udp),
  );
  add(
    'permission',
    'A valid CreatePermission request',
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
  add('channel', 'A valid ChannelBind request', turn('12.2'), 'success', await bind(0x4002), true);
  add(
    'channel.again',
    'A repeated ChannelBind request, which refreshes the channel',
    turn('12.2'),
    'success',
    await bind(0x4002),
    true,
  );
  add(
    'channel.number',
    'ChannelBind with an invalid channel number',
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
    'ChannelBind of a channel that is bound to another peer',
    turn('12.2'),
    '400',
    await bind(0x4002, otherPeer),
  );
  add(
    'channel.second',
    'ChannelBind of a second channel to the same peer',
    turn('12.2'),
    '400',
    await bind(0x4003),
  );
  const other = { ...known, ...OTHER_ACCOUNT };
  add(
    'refresh.other-user',
    'Refresh as a user other than the owner',
    turn('8.2'),
    '441',
    await client.request(METHOD.refresh, [attribute.lifetime(600)], other),
  );
  await hangUp(client);
  return facts;
}

/** Ends an allocation and checks that it is gone. */
async function ending(tried: Tried): Promise<AnswerFacts[]> {
  const client = await connectUdp(tried);
  await allocate(client, 'ipv4');
  const end = await client.ask(METHOD.refresh, [attribute.lifetime(0)]);
  // The nonce expires with the allocation; `ask` gets a new one.
  const after = await untilRefused(() => client.ask(METHOD.createPermission, [peer]));
  client.close();
  return [
    note('refresh.end', 'Refresh with a lifetime of 0', turn('8.2'), 'success', end, true),
    note('refresh.ended', 'CreatePermission within 3 s after that Refresh', turn('6'), '437', after),
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
      'CreatePermission for a denied peer',
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
