import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runProcess } from '../../../src/io/exec.ts';
import { createIo } from '../../../src/io/index.ts';
import { fetchShown } from '../../../src/run/fetch-shown.ts';
import type { Session } from '../../../src/run/session.ts';
import { coturnTar } from '../../support/coturn-tree.ts';
import { serve } from '../../support/http-server.ts';
import { errorOf, temporaryFolder } from '../../support/sandbox.ts';

const tarball = gzipSync(coturnTar('4.18.0'), { level: 0 });
let shown: string;
let lines: string[];

/** Redirects output to a fake terminal, which records it. */
beforeEach(() => {
  shown = '';
  lines = [];
  const write = (text: string | Uint8Array) => {
    shown += stripVTControlCharacters(text.toString());
    return true;
  };
  const terminal = Object.create(process.stdout, {
    ...{ isTTY: { value: true }, columns: { value: 80 }, rows: { value: 24 } },
    write: { value: write, writable: true },
  });
  const env = { ...process.env, TERM: 'xterm' };
  for (const name of ['CI', 'NO_COLOR']) delete (env as NodeJS.ProcessEnv)[name];
  const own = { stdout: { value: terminal }, stderr: { value: terminal }, env: { value: env } };
  vi.stubGlobal('process', Object.create(process, own));
});
afterEach(() => void vi.unstubAllGlobals());

function session(source: string, options: Session['options'] = {}): Session {
  const dir = temporaryFolder();
  return {
    options: { source, unpinned: true, ...options },
    output: { line: (text: string) => lines.push(text), styled: () => {}, data: () => {} },
    recipes: { dir, quarantine: [] },
    io: createIo(runProcess, new AbortController().signal),
    cache: join(dir, 'cache'),
    locks: { own: join(dir, 'turnbuild.lock.json'), beneath: undefined },
    mirrors: { debian: undefined, security: undefined, named: {} },
  } as unknown as Session;
}

/** Serves the sources in two halves, slowly enough that the display shows the first one. */
const slowly = (headers: Record<string, number>) =>
  serve((_, response) => {
    response.writeHead(200, headers);
    response.write(tarball.subarray(0, 4096));
    setTimeout(() => response.end(tarball.subarray(4096)), 400);
  });

it.each([
  ['with the total', { 'content-length': tarball.length }, /4\.0 KiB of \d/],
  ['without a total if the length is unknown', {}, /4\.0 KiB(?! of)/],
])('a terminal shows the downloaded bytes %s', async (_, headers, text) => {
  const { url } = await slowly(headers);
  expect((await fetchShown(session(`${url}/coturn.tar.gz`), undefined)).version).toBe('4.18.0');
  expect(shown).toMatch(text);
  expect(shown).toMatch(/fetch: coturn 4\.18\.0/);
  expect(lines).toEqual([]);
});

it('--json shows no progress', async () => {
  const { url } = await slowly({});
  await fetchShown(session(`${url}/coturn.tar.gz`, { json: true }), undefined);
  expect(shown).toBe('');
  expect(lines).toEqual([]);
});

it('a failure to read the sources is passed on', async () => {
  expect(await errorOf(fetchShown(session('/missing.tar.gz'), undefined))).toMatchObject({
    code: 'SOURCE_NOT_FOUND',
    message: 'File not found: /missing.tar.gz',
  });
});
