import { expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import type { PlannedJob } from '../../../src/publish/job.ts';
import { PAGE, withPage } from '../../../src/publish/page.ts';
import { performAll } from '../../../src/publish/perform.ts';
import type { Destination } from '../../../src/publish/plan.ts';
import { memoryStore } from '../../support/memory-store.ts';

const RELEASE = '4.18.0+turnbuild-1';

/** Publishes the same release to apt and dnf, with the page. @param failing the file that cannot be stored */
async function publish(failing: string | undefined) {
  const stored: string[] = [];
  const store = memoryStore(new Map(), () => {});
  const jobOf = (to: Destination['to'], pointer: string): PlannedJob => ({
    destination: {
      ...{ to, where: 'memory', channel: 'testing', key: 'F', url: 'https://packages.example.org' },
      ...{ origin: null, pointers: [], actions: [{ do: 'point', path: pointer }] },
    },
    ...{ notes: [], releases: [RELEASE], reach: { before: [], after: [], packages: [] } },
    offers: [{ name: to, before: [], releases: [RELEASE] }],
    async apply({ path }) {
      if (path === failing) throw new TurnbuildError('STORE_FAILED', `cannot store ${path}`);
      stored.push(path);
    },
  });
  const facts = { store, changes: [], url: 'https://packages.example.org', fingerprint: 'F', now: 0 };
  const jobs = await withPage([jobOf('apt', 'InRelease'), jobOf('dnf', 'mirrorlist')], async () => [], {
    ...facts,
    render: ({ rows }) => rows.map(({ to }) => to).join(' '),
  });
  const signal = new AbortController().signal;
  const performance = { run: 'run', record: async () => {}, tell: () => {}, signal };
  const error = await performAll(jobs, performance).catch((caught: unknown) => caught);
  return { stored, error, page: store.files.get(PAGE)?.toString() };
}

it('the page is stored after all repositories', async () => {
  expect(await publish(undefined)).toEqual({
    stored: ['InRelease', 'mirrorlist'],
    error: undefined,
    page: 'apt dnf',
  });
});

it('the page does not show a release whose publication failed for one kind of repository', async () => {
  expect(await publish('InRelease')).toMatchObject({
    stored: ['mirrorlist'],
    error: { code: 'STORE_FAILED' },
    page: undefined,
  });
});
