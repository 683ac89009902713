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

/** What changes while a process runs, as this file has found it. */
const mutable = () => ({
  'Math.random': Math.random,
  'process.cwd()': process.cwd(),
  ...Object.fromEntries(
    ['SIGINT', 'SIGTERM'].map((name) => [`listeners of ${name}`, process.listenerCount(name)]),
  ),
});
const found = mutable();

afterAll(() => {
  const replaced = NAMES.filter((name) => known[name] !== originals[name]);
  Object.assign(globalThis, originals);
  const left = mutable();
  Math.random = found['Math.random'];
  process.chdir(found['process.cwd()']);
  expect(replaced, 'globals that this file did not restore').toEqual([]);
  expect(left, 'what this file did not restore').toEqual(found);
});
