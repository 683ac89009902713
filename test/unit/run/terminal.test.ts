import { expect, it } from 'vitest';
import { isCapable } from '../../../src/run/session.ts';

const terminal = { isTTY: true, columns: 80 };
it.each([
  [terminal, { TERM: 'xterm' }, true],
  [terminal, { TERM: 'xterm-256color', NO_COLOR: '' }, true],
  [terminal, { TERM: 'xterm', NO_COLOR: '1' }, false],
  [terminal, { TERM: 'dumb' }, false],
  [terminal, {}, false],
  [terminal, { TERM: '' }, false],
  [{ isTTY: true, columns: 0 }, { TERM: 'xterm' }, false],
  [{ isTTY: true }, { TERM: 'xterm' }, false],
  [{ columns: 80 }, { TERM: 'xterm' }, false],
])('isCapable(%j, %j) is %s', (stream, env, capable) => expect(isCapable(stream, env)).toBe(capable));
