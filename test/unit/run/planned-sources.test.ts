import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runProcess } from '../../../src/io/exec.ts';
import { createIo } from '../../../src/io/index.ts';
import type { PlanDocument } from '../../../src/plan/document.ts';
import { fetchPlanned } from '../../../src/run/planned-sources.ts';
import type { Session } from '../../../src/run/session.ts';
import { coturnTar } from '../../support/coturn-tree.ts';
import { serve } from '../../support/http-server.ts';
import { errorOf, temporaryFolder } from '../../support/sandbox.ts';

const HINT = 'Pass the sources that the plan was created with: --source FILE';
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
afterEach(() => void vi.unstubAllEnvs());

const session = (options: Session['options'] = {}, signal = new AbortController().signal): Session =>
  ({
    options,
    output: { line: () => {}, styled: () => {}, data: () => {} },
    recipes: { dir, quarantine: [] },
    io: createIo(runProcess, signal),
    cache: join(dir, 'cache'),
    mirrors: { debian: undefined, security: undefined, named: {} },
  }) as unknown as Session;
const document = (provider: string, location: string) =>
  ({
    coturn: { version: '4.18.0', revision: 1, epoch: 0 },
    source: { provider, location, sha256: '1'.repeat(64), tree: '2'.repeat(64) },
  }) as unknown as PlanDocument;
const missing = () => document('file', join(dir, 'missing.tar.gz'));

describe('fetchPlanned', () => {
  it('asks for --source if the sources are missing', async () => {
    expect(await errorOf(fetchPlanned(session(), missing()))).toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('missing.tar.gz'),
      hint: HINT,
    });
  });

  it('does not ask for --source again if the file that it names is missing', async () => {
    const given = session({ source: join(dir, 'given.tar.gz') });
    const error = await errorOf(fetchPlanned(given, missing()));
    expect(error).toMatchObject({ code: 'SOURCE_NOT_FOUND' });
    expect(error.message).toContain('given.tar.gz');
    expect(error.hint).not.toBe(HINT);
  });

  it('refuses sources that differ from those of the plan', async () => {
    const file = join(dir, 'coturn.tar.gz');
    writeFileSync(file, gzipSync(coturnTar('4.18.0')));
    for (const [options, location] of [
      [{}, file],
      [{ source: file }, '/nowhere.tar.gz'],
    ] as const) {
      expect(await errorOf(fetchPlanned(session(options), document('file', location)))).toMatchObject({
        code: 'PLAN_DIFFERS',
        message: expect.stringMatching(/^These are not the sources of the plan\. /),
        hint: HINT,
      });
    }
  });

  it('queries GitHub if the plan names it, without asking for --source on failure', async () => {
    const { url, requests } = await serve((_, response) => response.writeHead(404).end());
    vi.stubEnv('GITHUB_API_URL', url);
    const error = await errorOf(
      fetchPlanned(session(), document('github', 'github.com/coturn/coturn 4.18.0')),
    );
    expect(requests[0]).toContain('/repos/coturn/coturn');
    expect(error.hint).not.toBe(HINT);
  });

  it('uses the Debian archive if the plan names it, and reports a missing mirror', async () => {
    const error = await errorOf(fetchPlanned(session(), document('debian', 'coturn_4.18.0.orig.tar.gz')));
    expect(error.code).toBe('MIRROR_UNKNOWN');
    expect(error.hint).not.toBe(HINT);
  });

  it('does not ask for --source after Ctrl-C', async () => {
    const { url } = await serve(() => {});
    const controller = new AbortController();
    controller.abort();
    const work = fetchPlanned(session({}, controller.signal), document('url', `${url}/coturn.tar.gz`));
    const error = await work.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ hint: expect.not.stringContaining(HINT) });
  });
});
