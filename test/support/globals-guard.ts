import { afterAll, expect } from 'vitest';

// The files of a project with `isolate: false` share a process, so what one file leaves replaced changes the tests of the next.
const NAMES = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'queueMicrotask',
  'Date',
  'fetch',
  'process',
] as const;
type Globals = Record<(typeof NAMES)[number], unknown>;

const known = globalThis as unknown as Globals & { turnbuildOriginals?: Globals };
known.turnbuildOriginals ??= Object.fromEntries(NAMES.map((name) => [name, known[name]])) as Globals;
const originals = known.turnbuildOriginals;

afterAll(() => {
  const replaced = NAMES.filter((name) => known[name] !== originals[name]);
  Object.assign(globalThis, originals);
  expect(replaced, 'globals that this file did not restore').toEqual([]);
});
