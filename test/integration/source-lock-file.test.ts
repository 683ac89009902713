import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SourceLock } from '../../src/sources/lock.ts';
import { readLock, writeLock } from '../../src/sources/lock-file.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

const pinned = { sha256s: { file: '1'.repeat(64) }, tree: '2'.repeat(64), epoch: 1_670_102_489 };

test('a written lock file is sorted, can be read back and leaves no other file', async () => {
  const dir = temporaryFolder();
  const file = join(dir, 'sources.lock.json');
  const images = {
    'ubuntu:24.04': `sha256:${'3'.repeat(64)}`,
    'debian:trixie-slim': `sha256:${'4'.repeat(64)}`,
  };
  const lock: SourceLock = {
    ...{ schema: 1, images },
    sources: { '4.10.0': pinned, '4.6.1': pinned, '4.9.0': pinned },
  };
  await writeLock(file, lock);
  const text = readFileSync(file, 'utf8');
  expect(Object.keys(JSON.parse(text).sources)).toEqual(['4.6.1', '4.9.0', '4.10.0']);
  expect(Object.keys(JSON.parse(text).images)).toEqual(['debian:trixie-slim', 'ubuntu:24.04']);
  expect(text.endsWith('}\n')).toBe(true);
  expect(await readLock(file)).toEqual(lock);
  expect(readdirSync(dir)).toEqual(['sources.lock.json']);
});

test('a missing lock file has no pins and is not created by reading', async () => {
  const file = join(temporaryFolder(), 'none.json');
  expect(await readLock(file)).toEqual({ schema: 1, sources: {} });
  expect(existsSync(file)).toBe(false);
});

test('an invalid lock file is refused with its path', async () => {
  const file = join(temporaryFolder(), 'sources.lock.json');
  writeFileSync(file, '{"schema": 1, "sources": {"4.6.1": {}}}');
  const error = await errorOf(readLock(file));
  expect(error.code).toBe('LOCK_INVALID');
  expect(error.message).toContain(file);
});

test('the built-in lock file pins coturn 4.6.1 of the Debian archive', async () => {
  const lock = await readLock(new URL('../../recipes/sources.lock.json', import.meta.url).pathname);
  // The sha256 is that of coturn_4.6.1-2.dsc in Debian 13.
  expect(lock.sources['4.6.1']?.sha256s.debian).toBe(
    '8fba86e593ed74adc46e002e925cccff2819745371814f42465fbe717483f1d8',
  );
});
