import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readDebControl } from '../../src/io/deb-file.ts';
import { type Exec, runProcess } from '../../src/io/exec.ts';
import type { Session } from '../../src/run/session.ts';
import { withLog } from '../../src/run/step-log.ts';
import { debOf } from '../support/deb-builder.ts';
import { temporaryFolder } from '../support/sandbox.ts';

// Another user of the machine can put a link where turnbuild will write, in /tmp or in a shared folder of results.
const before = process.env.TMPDIR;
let shared: string;
let victim: string;
beforeEach(() => {
  shared = temporaryFolder();
  victim = join(shared, 'victim');
  writeFileSync(victim, 'precious');
  process.env.TMPDIR = shared;
});
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
});

test("a package's control.tar.xz is not written to a predictable path", async () => {
  const file = join(shared, 'coturn.deb');
  writeFileSync(file, debOf('Package: coturn\nVersion: 1\nArchitecture: amd64\n', { packing: '.xz' }));
  const planted = `turnbuild-control.tar.xz.${process.pid}.tmp`;
  symlinkSync(victim, join(shared, planted));
  const made: string[] = [];
  const exec: Exec = (command, options) => {
    made.push(
      ...readdirSync(shared).filter(
        (name) => !name.startsWith('coturn') && ![planted, 'victim'].includes(name),
      ),
    );
    for (const name of made) expect(statSync(join(shared, name)).mode & 0o7777).toBe(0o700);
    return runProcess(command, options);
  };
  expect((await readDebControl(file, exec)).Package).toBe('coturn');
  expect(readFileSync(victim, 'utf8')).toBe('precious');
  expect(made).toHaveLength(1);
  expect(readdirSync(shared).sort()).toEqual(['coturn.deb', planted, 'victim']);
});

test("a step's log does not follow a link and replaces the leftovers of a killed run", async () => {
  const path = join(shared, 'logs/step.log');
  mkdirSync(dirname(path));
  symlinkSync(victim, `${path}.tmp`);
  const session = { options: {} } as Session;
  const log = (text: string) =>
    withLog(session, { path, id: 'step', show: () => {} }, async (onLine) => onLine(text));
  await log('first');
  expect(readFileSync(victim, 'utf8')).toBe('precious');
  expect(readFileSync(path, 'utf8')).toBe('first\n');
  writeFileSync(`${path}.tmp`, 'left by a killed run, and longer');
  await log('second');
  expect(readFileSync(path, 'utf8')).toBe('second\n');
  expect(readdirSync(dirname(path))).toEqual(['step.log']);
});
