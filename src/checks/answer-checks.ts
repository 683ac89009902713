import type { AnswerFacts, LabFacts, Scenario } from '../lab/facts.ts';
import { type Check, complaints, type Verdict } from './check.ts';
import { labCheck, leaksMemory } from './lab-check.ts';
import { HONEST_SCENARIOS } from './needs.ts';

/** `tried`: the scenarios of src/lab/configurations.ts that produce the answers. */
const SITUATIONS = [
  { prefix: 'binding', title: 'STUN requests', least: 2, tried: ['binding'] },
  { prefix: 'credentials', title: 'Wrong credentials', least: 4, tried: ['credentials'] },
  { prefix: 'nonce', title: 'Stale nonces', least: 2, tried: ['nonce'] },
  {
    prefix: 'rest',
    title: 'REST credentials: valid, expired, made with another secret',
    least: 3,
    tried: ['rest answers'],
  },
  {
    prefix: 'allocate',
    title: 'Allocate, valid and invalid',
    least: 6,
    tried: ['without an allocation', 'with an allocation'],
  },
  { prefix: 'allocation', title: 'Expiring allocations', least: 1, tried: ['expiry'] },
  {
    prefix: 'refresh',
    title: 'Refresh, valid and invalid',
    least: 4,
    tried: ['without an allocation', 'with an allocation', 'ending an allocation'],
  },
  {
    prefix: 'permission',
    title: 'CreatePermission, valid and invalid',
    least: 3,
    tried: ['without an allocation', 'with an allocation'],
  },
  {
    prefix: 'channel',
    title: 'ChannelBind, valid and invalid',
    least: 6,
    tried: ['with an allocation'],
  },
  { prefix: 'peer', title: 'Denied peers', least: 2, tried: ['denied peers'] },
  { prefix: 'quota', title: 'User quota', least: 1, tried: ['quota'] },
  { prefix: 'ports', title: 'Exhausted relay ports', least: 1, tried: ['ports'] },
] as const satisfies readonly { tried: readonly Scenario[]; [key: string]: unknown }[];

function judgeAnswers({ answers }: LabFacts, prefix: string, least: number): Verdict {
  const own = answers.filter(({ id }) => id.split('.')[0] === prefix);
  const right = ({ expected, tolerated, found, authentic }: AnswerFacts) =>
    [...expected, ...tolerated].includes(found) && authentic !== false;
  const wrong = own
    .filter((answer) => !right(answer))
    .map(({ title, expected, found, authentic }) => {
      const integrity = authentic === false ? ', without a valid MESSAGE-INTEGRITY' : '';
      return `${title}: ${found}${integrity} (expected ${expected.join(' or ')})`;
    });
  if (own.length < least) wrong.push(`only ${own.length} requests were tested (at least ${least} required)`);
  const other = own.filter(({ expected, found }) => !expected.includes(found));
  const note = other.map(
    ({ title, found, expected }) => `${title}: ${found} where the RFC specifies ${expected.join(' or ')}`,
  );
  const good =
    note.length === 0
      ? `${own.length} answers as the RFC specifies`
      : `refused as required; ${note.join('; ')}`;
  return complaints(wrong, good, Object.fromEntries(own.map(({ id, found }) => [id, found])));
}

const situationChecks: Check[] = SITUATIONS.map(({ prefix, title, least, tried }) =>
  labCheck({
    id: `answers.${prefix}`,
    title: `Answers conform to the RFC: ${title}`,
    reason: 'Clients act on the error codes, and a server that accepts what it must refuse is an open relay.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656',
    scenarios: tried,
    judge: (lab) => judgeAnswers(lab, prefix, least),
  }),
);

/** The server's answers to valid and invalid requests, compared with what the RFC specifies. */
export const answerChecks: Check[] = [
  ...situationChecks,
  labCheck({
    id: 'answers.parsed',
    advisories: leaksMemory,
    title: 'Clients can parse every message from the server',
    reason: 'A client drops an answer that it cannot parse, then waits until it times out.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8489#section-5',
    scenarios: ['relays'],
    covers: HONEST_SCENARIOS,
    judge: ({ unparsed, answers, relays }) =>
      complaints(
        [
          ...unparsed.map(
            ({ server, transport, why, bytes }) =>
              `${server}, over ${transport.toUpperCase()}: ${why}: ${bytes}`,
          ),
          ...(answers.length === 0 && relays.length === 0 ? ['nothing was tried'] : []),
        ],
        `every message was parsed (${answers.length} requests, ${relays.length} sessions)`,
        { unparsed: unparsed.length },
      ),
  }),
];
