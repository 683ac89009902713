import { expect, it } from 'vitest';
import { formatCommand } from '../../../src/plan/command.ts';

it.each([
  [['a b', "it's"], "docker 'a b' 'it'\\''s'"],
  [
    ['--build-arg=X=https://me:s3cret@host/el9 https://other/'],
    "docker '--build-arg=X=https://REDACTED@host/el9 https://other/'",
  ],
  [
    [`--build-arg=X=https://me:it's"q@host/el9`, 'https://a:b@c', 'deb https://u:p@host/debian trixie main'],
    "docker --build-arg=X=https://REDACTED@host/el9 https://REDACTED@c 'deb https://REDACTED@host/debian trixie main'",
  ],
  [['--label=a@b', 'http://host/@scope/x'], 'docker --label=a@b http://host/@scope/x'],
])('%j is printed as %s', (args, expected) =>
  expect(formatCommand({ file: 'docker', args, effect: 'read' })).toBe(expected),
);
