import { setTimeout as pause } from 'node:timers/promises';
import { attribute } from '../../turn/attributes.ts';
import type { Answer } from '../../turn/client.ts';
import type { AnswerFacts, Scenario } from '../facts.ts';
import { ADDRESSES } from '../network.ts';
import { type Tried, wordOf } from './session.ts';

export const stun = (section: string) => `https://www.rfc-editor.org/rfc/rfc8489#section-${section}`;
export const turn = (section: string) => `https://www.rfc-editor.org/rfc/rfc8656#section-${section}`;

export const PEER = { address: ADDRESSES.peer.ipv4, port: 9 };
export const peer = attribute.xorPeerAddress(PEER);

type Found = string | Answer;

/** Equivalent refusals of coturn 4.6.1 that differ from the RFC, by situation. */
const TOLERATED: Readonly<Record<string, string[]>> = {
  'allocate.transport': ['400'],
  'allocate.unknown-token': ['404'],
  'permission.no-allocation': ['400'],
  'refresh.ended': ['400'],
  'allocation.expiry': ['success 400'],
};

/** Records an answer in one word and, with `authentic`, whether its integrity is valid. */
export function note(
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

/** Milliseconds until coturn releases an ended allocation: its timers tick once per second. */
export const RELEASE_MS = 3000;

/** Repeats a request until the answer is an error, for up to 3 s. */
export async function untilRefused(ask: () => Promise<Answer>): Promise<Answer> {
  const end = Date.now() + RELEASE_MS;
  for (;;) {
    const answer = await ask();
    if (answer.error !== undefined || Date.now() > end) return answer;
    await pause(200);
  }
}

/** Groups of requests by scenario. */
export type Groups = Partial<Record<Scenario, (tried: Tried) => Promise<AnswerFacts[]>>>;
