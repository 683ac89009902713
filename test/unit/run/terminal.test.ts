import { expect, it } from 'vitest';
import { isCapable } from '../../../src/run/session.ts';

const terminal = { isTTY: true, columns: 80 };
it.each([
  [terminal, {}, true],
  [terminal, { TERM: 'xterm-256color', NO_COLOR: '' }, true],
  [terminal, { NO_COLOR: '1' }, false],
  [terminal, { TERM: 'dumb' }, false],
  [{ isTTY: true, columns: 0 }, {}, false],
  [{ isTTY: true }, {}, false],
  [{ columns: 80 }, {}, false],
])('%j with %j: %s', (stream, env, capable) => expect(isCapable(stream, env)).toBe(capable));
