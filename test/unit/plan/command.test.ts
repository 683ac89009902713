import { expect, it } from 'vitest';
import { formatCommand } from '../../../src/plan/command.ts';

it.each([
  [['a b', "it's"], "docker 'a b' 'it'\\''s'"],
  [
    ['--build-arg=X=https://me:s3cret@host/el9 https://other/'],
    "docker '--build-arg=X=https://REDACTED@host/el9 https://other/'",
  ],
  [['--label=a@b', 'http://host/@scope/x'], 'docker --label=a@b http://host/@scope/x'],
])('%j is printed as %s', (args, expected) =>
  expect(formatCommand({ file: 'docker', args, effect: 'read' })).toBe(expected),
);
