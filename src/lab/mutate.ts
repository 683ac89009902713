import { encodeChannelData } from '../turn/framing.ts';
import { ATTRIBUTE, type Attribute, encodeMessage, METHOD, type MessageClass } from '../turn/message.ts';
import { encodeXorAddress, uint32 } from '../turn/values.ts';
import type { Random } from './random.ts';

/** Session data of a hostile client. With the key, it can send messages that pass the integrity check. */
export interface Knowledge {
  username: string;
  realm: string;
  nonce: string;
  key: Buffer;
}

const METHODS = Object.values(METHOD);
const TYPES = Object.values(ATTRIBUTE);
const CLASSES: readonly MessageClass[] = ['request', 'indication', 'success', 'error'];
/** Lengths at which parsers often fail: zero, around multiples of four, and around powers of two. */
const LENGTHS = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 19, 20, 21, 31, 32, 33, 63, 64, 127, 128, 255, 256, 763, 1000,
];
const PEERS = [
  '20.0.3.2',
  '127.0.0.1',
  '0.0.0.0',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '2600:1:0:3::2',
];

/** Generates a hostile packet: malformed STUN, TURN or ChannelData, or random bytes. */
export function hostilePacket(random: Random, knowledge: Knowledge): Buffer {
  switch (random.below(10)) {
    case 0:
      return random.bytes(random.pick(LENGTHS));
    case 1:
    case 2:
      return channelData(random);
    case 3:
    case 4:
    case 5:
      return damage(random, message(random, knowledge));
    default:
      return message(random, knowledge);
  }
}

function channelData(random: Random): Buffer {
  const bytes = encodeChannelData(
    {
      channel: random.pick([0x3fff, 0x4000, 0x4001, 0x4fff, 0x5000, 0x7fff]),
      data: random.bytes(random.pick(LENGTHS)),
    },
    random.below(2) === 0,
  );
  if (random.below(2) === 0) bytes.writeUInt16BE(random.pick([0, 1, bytes.length, 0x7fff, 0xffff]), 2);
  return random.below(4) === 0 ? damage(random, bytes) : bytes;
}

/** Generates a well-formed message with random attributes. Half of the messages have a valid integrity. */
function message(random: Random, { username, realm, nonce, key }: Knowledge): Buffer {
  const transactionId = random.bytes(12);
  const attributes = Array.from({ length: random.below(8) }, () => attribute(random, transactionId));
  const known: Attribute[] = [
    { type: ATTRIBUTE.username, value: Buffer.from(username) },
    { type: ATTRIBUTE.realm, value: Buffer.from(realm) },
    { type: ATTRIBUTE.nonce, value: Buffer.from(nonce) },
  ];
  const sealed = random.below(2) === 0;
  return encodeMessage(
    {
      method: random.below(8) === 0 ? random.below(0x1000) : random.pick(METHODS),
      class: random.below(3) === 0 ? random.pick(CLASSES) : 'request',
      transactionId,
      attributes: sealed ? [...attributes, ...known] : attributes,
    },
    { ...(sealed ? { key } : {}), fingerprint: random.below(3) === 0, padding: random.pick([0, 0x20, 0xff]) },
  );
}

function attribute(random: Random, transactionId: Buffer): Attribute {
  const type = random.below(10) === 0 ? random.below(0x10000) : random.pick(TYPES);
  switch (random.below(5)) {
    case 0:
      return { type, value: random.bytes(random.pick(LENGTHS)) };
    case 1:
      return {
        type,
        value: uint32(random.pick([0, 1, 600, 0x7fffffff, 0xffffffff, 0x11000000, 0x06000000])),
      };
    case 2:
      return { type, value: Buffer.alloc(0) };
    default: {
      const address = { address: random.pick(PEERS), port: random.pick([0, 1, 3478, 9641, 65535]) };
      const value = encodeXorAddress(address, transactionId);
      return { type: random.below(2) === 0 ? ATTRIBUTE.xorPeerAddress : type, value };
    }
  }
}

/** Overwrites bytes, truncates, appends, or changes the length field. */
function damage(random: Random, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0 && changed.length > 0; times--)
    changed[random.below(changed.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  switch (random.below(5)) {
    case 0:
      return changed.subarray(0, random.below(changed.length + 1));
    case 1:
      return Buffer.concat([changed, random.bytes(1 + random.below(9))]);
    case 2:
      if (changed.length >= 4)
        changed.writeUInt16BE(random.pick([0, 1, 3, changed.length, 0x7ffc, 0xfffc, 0xffff]), 2);
      return changed;
    default:
      return changed;
  }
}
