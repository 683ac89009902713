import { expect, it } from 'vitest';
import { parseFacts } from '../../../src/checks/facts.ts';

it('reads facts, with tabs in their values', () =>
  expect([...parseFacts('install.exit\t0\ninstall.tables\ta\tb\n\n')]).toEqual([
    ['install.exit', '0'],
    ['install.tables', 'a\tb'],
  ]));

it.each(['0', '1'])('refuses results in which a package has written a second value: %s', (value) =>
  expect(() => parseFacts(`install.exit\t1\nshipped.stop\t0\ninstall.exit\t${value}\n`)).toThrow(
    /facts\.txt lists "install\.exit" twice/,
  ),
);
