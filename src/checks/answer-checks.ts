import type { AnswerFacts, LabFacts, Scenario } from '../lab/facts.ts';
import { type Check, complaints, type Verdict } from './check.ts';
import { labCheck, leaksMemory } from './lab-check.ts';
import { HONEST_SCENARIOS } from './needs.ts';

/** `tried`: the scenarios of src/lab/configurations.ts that give the answers. */
const SITUATIONS = [
  { prefix: 'binding', title: 'STUN requests', least: 2, tried: ['binding'] },
  { prefix: 'credentials', title: 'Wrong credentials', least: 4, tried: ['credentials'] },
  { prefix: 'nonce', title: 'Nonces that grow old', least: 2, tried: ['nonce'] },
  {
    prefix: 'rest',
    title: 'REST credentials: valid, expired, of another secret',
    least: 3,
    tried: ['rest answers'],
  },
  {
    prefix: 'allocate',
    title: 'Allocate, right and wrong',
    least: 6,
    tried: ['without an allocation', 'with an allocation'],
  },
  { prefix: 'allocation', title: 'Allocations that expire', least: 1, tried: ['expiry'] },
  {
    prefix: 'refresh',
    title: 'Refresh, right and wrong',
    least: 4,
    tried: ['without an allocation', 'with an allocation', 'ending an allocation'],
  },
  {
    prefix: 'permission',
    title: 'CreatePermission, right and wrong',
    least: 3,
    tried: ['without an allocation', 'with an allocation'],
  },
  {
    prefix: 'channel',
    title: 'ChannelBind, right and wrong',
    least: 6,
    tried: ['with an allocation'],
  },
  { prefix: 'peer', title: 'Peers that are denied', least: 2, tried: ['denied peers'] },
  { prefix: 'quota', title: 'The quota of a user', least: 1, tried: ['quota'] },
  { prefix: 'ports', title: 'Relay ports that are used up', least: 1, tried: ['ports'] },
] as const satisfies readonly { tried: readonly Scenario[]; [key: string]: unknown }[];

function judgeAnswers({ answers }: LabFacts, prefix: string, least: number): Verdict {
  const own = answers.filter(({ id }) => id.split('.')[0] === prefix);
  const right = ({ expected, tolerated, found, authentic }: AnswerFacts) =>
    [...expected, ...tolerated].includes(found) && authentic !== false;
  const wrong = own
    .filter((answer) => !right(answer))
    .map(({ title, expected, found, authentic }) => {
      const integrity = authentic === false ? ', without a valid MESSAGE-INTEGRITY' : '';
      return `${title}: ${found}${integrity}, not ${expected.join(' or ')}`;
    });
  if (own.length < least) wrong.push(`${own.length} situations were tried, not ${least}`);
  const other = own.filter(({ expected, found }) => !expected.includes(found));
  const note = other.map(
    ({ title, found, expected }) => `${title}: ${found} where the RFC has ${expected.join(' or ')}`,
  );
  const good =
    note.length === 0
      ? `${own.length} answers as the RFC has them`
      : `refused as it must be; ${note.join('; ')}`;
  return complaints(wrong, good, Object.fromEntries(own.map(({ id, found }) => [id, found])));
}

const situationChecks: Check[] = SITUATIONS.map(({ prefix, title, least, tried }) =>
  labCheck({
    id: `answers.${prefix}`,
    title: `Answers as the RFC says: ${title}`,
    reason: 'Clients go by the numbers; a server that says yes where it has to refuse is an open relay.',
    reference: 'https://www.rfc-editor.org/rfc/rfc8656',
    scenarios: tried,
    judge: (lab) => judgeAnswers(lab, prefix, least),
  }),
);

/** The answers of the server to requests right and wrong, against what the RFC has for each. */
export const answerChecks: Check[] = [
  ...situationChecks,
  labCheck({
    id: 'answers.parsed',
    advisories: leaksMemory,
    title: 'Clients can parse everything that the server sends them',
    reason: 'A client that can not parse an answer drops it, and waits for one that never comes.',
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
        `every message of ${answers.length} situations and ${relays.length} sessions`,
        { unparsed: unparsed.length },
      ),
  }),
];
