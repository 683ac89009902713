import { createHmac } from 'node:crypto';
import type { Credentials } from '../../turn/client.ts';
import type { AnswerFacts } from '../facts.ts';
import { note } from './answers.ts';
import { allocate, connectUdp, hangUp, silence, type Tried, wordOf } from './session.ts';

const REST = 'https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00';

export const SECRET = 'a-secret-of-the-laboratory';

/** Derives credentials from a shared secret, as a web service would. @param until expiry, in milliseconds since the epoch */
export function restCredentials(until: number, secret = SECRET, user = 'alice'): Credentials {
  const username = `${Math.floor(until / 1000)}:${user}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}

/** Tries valid credentials, expired ones, and ones made with another secret. */
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
