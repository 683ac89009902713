import { expect, it } from 'vitest';
import { TurnbuildError } from '../../src/errors.ts';
import type { Store } from '../../src/io/store.ts';
import { brokenReferences, startedClients } from '../support/broken-references.ts';
import { memoryStore } from '../support/memory-store.ts';
import { cleaning, promoting, publications, publishing, withdrawing } from '../support/publications.ts';

const { release, perform } = publications(['apt', 'dnf']);

type Operation = Parameters<typeof perform>[1];
type Files = ReadonlyMap<string, Buffer>;

const POINTER = /\/(?:InRelease|mirrorlist)$/;

/** A repository in memory, and clients that start at times and fetch the rest at any time during the next 30 days. */
function place(files: Files = new Map()) {
  let clients: { started: Files; days: number }[] = [];
  const expectWhole = (now: Files) => {
    expect(brokenReferences(now)).toEqual([]);
    for (const { started } of clients) expect(brokenReferences(now, started)).toEqual([]);
  };
  const store = memoryStore(files, expectWhole);
  const perform = async (operation: Operation, through: Store = store) => {
    clients.push({ started: startedClients(store.files), days: 0 });
    const error = await doIt(through, operation);
    expectWhole(store.files);
    return error;
  };
  return {
    store,
    perform,
    /** A run that dies before it switches a pointer. */
    async killed(operation: Operation) {
      const dying: Store = {
        ...store,
        async replace(path, content) {
          if (POINTER.test(path)) throw new TurnbuildError('KILLED', 'The process was killed');
          await store.replace(path, content);
        },
      };
      expect(await perform(operation, dying)).toMatchObject({ code: 'KILLED' });
    },
    pass(days: number) {
      store.age(days);
      clients = clients.map((each) => ({ ...each, days: each.days + days })).filter((each) => each.days < 30);
    },
  };
}

const doIt = (store: Store, operation: Operation) =>
  perform(store, operation).catch((error: unknown) => error);
const versionsIn = (files: Files) =>
  [...files.keys()].flatMap((path) => /_(4\.\d+\.0)\+turnbuild-1~deb13_amd64\.deb$/.exec(path)?.[1] ?? []);

it('what was in use until a publication stays, although one before it was killed and abandoned', async () => {
  const { store, perform: run, killed, pass } = place();
  expect(await run(publishing(release('4.18.0')))).toBeUndefined();
  pass(60);
  await killed(publishing(release('4.19.0')));
  // Older than that, the leftovers must not count as the successors of what is still in use.
  pass(40);
  expect(await run(publishing(release('4.20.0')))).toBeUndefined();
  pass(1);
  expect(await run(cleaning())).toBeUndefined();
  pass(31);
  expect(await run(cleaning())).toBeUndefined();
  expect(new Set(versionsIn(store.files))).toEqual(new Set(['4.18.0', '4.20.0']));
});

it('what a killed publication has stored for a plain base stays until that is repaired, and it can be finished', async () => {
  const { store, perform: run, killed } = place();
  expect(await run(publishing(release('4.18.0')))).toBeUndefined();
  await killed(publishing(release('4.19.0')));
  // It deletes at once what only clients need that have started before.
  const other = place(store.files);
  expect(await doIt(other.store, cleaning({ days: 0 }))).toBeUndefined();
  expect(await other.perform(publishing(release('4.19.0')))).toBeUndefined();
  // Unless it is cleaned up, the same.
  expect(await run(publishing(release('4.19.0')))).toBeUndefined();
});

it('clients of both channels find everything while releases are promoted, withdrawn and cleaned up', async () => {
  const { store, perform: run, pass } = place();
  expect(await run(publishing(release('4.18.0')))).toBeUndefined();
  expect(await run(promoting('4.18.0'))).toBeUndefined();
  expect(await run(publishing(release('4.19.0')))).toBeUndefined();
  pass(20);
  expect(await run(cleaning({ releases: 1 }))).toBeUndefined();
  expect(await run(promoting('4.19.0'))).toBeUndefined();
  pass(20);
  expect(await run(withdrawing('4.18.0'))).toBeUndefined();
  expect(await run(cleaning({ releases: 1, withdrawn: true }))).toBeUndefined();
  expect(new Set(versionsIn(store.files))).toEqual(new Set(['4.18.0', '4.19.0']));
  pass(31);
  expect(await run(cleaning({ releases: 1, withdrawn: true }))).toBeUndefined();
  expect(new Set(versionsIn(store.files))).toEqual(new Set(['4.19.0']));
});
