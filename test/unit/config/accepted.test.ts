import { expect, it } from 'vitest';
import { lintFor } from '../../support/configurations.ts';

/** `LINE RULE`, with the reason of accepted findings. */
const said = (text: string, rules: RegExp) =>
  lintFor('4.6.1', text)
    .filter(({ rule }) => rules.test(rule))
    .map(
      ({ line, rule, accepted }) =>
        `${line ?? '-'} ${rule}${accepted === undefined ? '' : `: ${accepted.reason}`}`,
    );

it.each([
  ['# turnbuild: accept server-relay: a test bed\nserver-relay', ['2 server-relay: a test bed']],
  ['# turnbuild: accept server-relay a test bed\n\n# more\nserver-relay', ['4 server-relay: a test bed']],
  ['# turnbuild: accept server-relay: a test bed\r\nserver-relay\r', ['2 server-relay: a test bed']],
  // Applies only to the next line, only to the rule, and only with a reason.
  [
    '# turnbuild: accept server-relay: x\nfingerprint\nserver-relay',
    ['1 invalid-acceptance', '3 server-relay'],
  ],
  ['# turnbuild: accept weak-crypto: x\nserver-relay', ['1 invalid-acceptance', '2 server-relay']],
  ['# turnbuild: accept server-relay\nserver-relay', ['1 invalid-acceptance', '2 server-relay']],
  ['# turnbuild: accept server-relays: x\nserver-relay', ['1 invalid-acceptance', '2 server-relay']],
])('acceptance comments: %j', (text, expected) =>
  expect(said(text, /^(server-relay|invalid-acceptance)$/)).toEqual(expected),
);

it('a comment anywhere accepts a finding without a line', () =>
  expect(said('# turnbuild: accept open-relay: a laboratory', /^open-relay$/)).toEqual([
    '- open-relay: a laboratory',
  ]));

it('a second comment for the same finding is also valid', () =>
  expect(
    said(
      '# turnbuild: accept open-relay: a laboratory\n# turnbuild: accept open-relay: of ours',
      /^(open-relay|invalid-acceptance)$/,
    ),
  ).toEqual(['- open-relay: a laboratory']));
