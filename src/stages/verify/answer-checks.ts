import type { AnswerFacts, LabFacts } from '../../lab/facts.ts';
import { type Check, complaints, type Verdict } from './check.ts';
import { withLab } from './lab-check.ts';

const SITUATIONS = [
  { prefix: 'binding', title: 'STUN requests', least: 2 },
  { prefix: 'credentials', title: 'Wrong credentials', least: 4 },
  { prefix: 'nonce', title: 'Nonces that grow old', least: 2 },
  { prefix: 'rest', title: 'REST credentials: valid, expired, of another secret', least: 3 },
  { prefix: 'allocate', title: 'Allocate, right and wrong', least: 6 },
  { prefix: 'allocation', title: 'Allocations that expire', least: 1 },
  { prefix: 'refresh', title: 'Refresh, right and wrong', least: 4 },
  { prefix: 'permission', title: 'CreatePermission, right and wrong', least: 3 },
  { prefix: 'channel', title: 'ChannelBind, right and wrong', least: 6 },
  { prefix: 'peer', title: 'Peers that are denied', least: 2 },
  { prefix: 'quota', title: 'The quota of a user', least: 1 },
  { prefix: 'ports', title: 'Relay ports that are used up', least: 1 },
] as const;

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

/** The answers of the server to requests right and wrong, against what the RFC has for each. */
export const answerChecks: Check[] = SITUATIONS.map(({ prefix, title, least }) => ({
  id: `answers.${prefix}`,
  title: `Answers as the RFC says: ${title}`,
  reason: 'Clients go by the numbers; a server that says yes where it has to refuse is an open relay.',
  reference: 'https://www.rfc-editor.org/rfc/rfc8656',
  judge: withLab((lab) => judgeAnswers(lab, prefix, least)),
}));
