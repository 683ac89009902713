import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import type { Content, Store } from '../../../src/io/store.ts';
import type { JournalRecord } from '../../../src/publish/journal.ts';
import { performAll, performDestination, storing } from '../../../src/publish/perform.ts';
import type { Destination, PublishAction } from '../../../src/publish/plan.ts';

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');

const ACTIONS: PublishAction[] = [
  { do: 'reuse', path: 'old.deb', size: 3, sha256: sha256('old'), file: 'old.deb' },
  { do: 'create', path: 'new.deb', size: 3, sha256: sha256('new'), file: 'new.deb' },
  { do: 'replace', path: 'Packages', size: 5, sha256: sha256('index') },
  { do: 'point', path: 'InRelease' },
];
const DESTINATION: Destination = {
  to: 'apt',
  where: 'memory',
  channel: 'testing',
  key: 'F',
  url: null,
  origin: null,
  pointers: [],
  actions: ACTIONS,
};

/** A store in memory. Everything that happens is in `events`. */
function memory(files: Record<string, string> = {}, actions = ACTIONS) {
  const events: string[] = [];
  const contents = new Map(Object.entries(files));
  const text = (content: Content) =>
    'bytes' in content ? Buffer.from(content.bytes).toString() : content.file;
  const undeclared = () => {
    throw new Error('not expected');
  };
  const store: Store = {
    address: 'memory',
    read: undeclared,
    list: undeclared,
    listAll: undeclared,
    lock: undeclared,
    async describe(path) {
      const found = contents.get(path);
      return found === undefined ? undefined : { size: found.length, sha256: sha256(found) };
    },
    async create(path, content) {
      events.push(`create ${path}`);
      if (contents.has(path)) return false;
      contents.set(path, text(content));
      return true;
    },
    async remove(path) {
      events.push(`remove ${path}`);
      contents.delete(path);
    },
    async replace(path, content) {
      events.push(`replace ${path}`);
      contents.set(path, text(content));
    },
  };
  const record = async (each: JournalRecord) => {
    if ('doing' in each) events.push(`doing ${each.doing.path}`);
    if ('did' in each) events.push(`did ${each.did}`);
  };
  const perform = (signal = new AbortController().signal) =>
    performDestination(
      {
        destination: { ...DESTINATION, actions },
        apply: storing(store, async ({ path }) => ({
          bytes: Buffer.from(path === 'new.deb' ? 'new' : 'other'),
        })),
      },
      { run: 'run', record, tell: () => {}, signal },
    );
  return { perform, events, contents };
}

describe('performDestination', () => {
  it('records each change before it is made, and leaves out what is there', async () => {
    const { perform, events } = memory({ Packages: 'before' });
    await perform();
    expect(events).toEqual([
      ...['doing new.deb', 'create new.deb', 'did new.deb'],
      ...['doing Packages', 'replace Packages', 'did Packages'],
      ...['doing InRelease', 'replace InRelease', 'did InRelease'],
    ]);
  });

  it('deletes files, which have no content', async () => {
    const actions: PublishAction[] = [{ do: 'delete', path: 'old.deb', size: 3 }];
    const { perform, events, contents } = memory({ 'old.deb': 'old', 'new.deb': 'new' }, actions);
    await perform();
    expect(events).toEqual(['doing old.deb', 'remove old.deb', 'did old.deb']);
    expect([...contents.keys()]).toEqual(['new.deb']);
  });

  it('accepts that another run has stored the same file meanwhile', async () => {
    const { perform, contents } = memory({ 'new.deb': 'new' });
    await perform();
    expect(contents.get('InRelease')).toBe('other');
  });

  it('stops before it points to anything if another run has stored another file meanwhile', async () => {
    const { perform, contents } = memory({ 'new.deb': 'different' });
    await expect(perform()).rejects.toMatchObject({ code: 'PUBLISHED_DIFFERS' });
    expect(contents.get('new.deb')).toBe('different');
    expect(contents.has('InRelease')).toBe(false);
  });

  it('stops between two changes when it is interrupted', async () => {
    const { perform, events } = memory();
    await expect(perform(AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(events).toEqual([]);
  });
});

describe('performAll', () => {
  const job = (to: Destination['to'], channel: Destination['channel'], path: string, more: object = {}) => ({
    ...{ destination: { ...DESTINATION, to, channel, actions: [{ do: 'replace', path } as const] } },
    ...{ notes: [], releases: [], offers: [], reach: { before: [], after: [], packages: [] }, ...more },
  });
  const run = async (failing: readonly string[]) => {
    const done: string[] = [];
    const apply = async ({ path }: PublishAction) => {
      if (failing.includes(path)) throw new TurnbuildError('STORE_FAILED', `cannot store ${path}`);
      done.push(path);
    };
    const last: PublishAction = { do: 'replace', path: 'record' };
    const dnf = job('dnf', 'testing', 'repomd.xml', { afterAll: [last] });
    const jobs = [
      { ...job('apt', 'testing', 'InRelease'), apply },
      { ...dnf, destination: { ...dnf.destination, actions: [...dnf.destination.actions, last] }, apply },
      { ...job('apt', null, 'old.deb'), apply },
      { ...job('dnf', null, 'old.rpm'), apply },
      { ...job('github', 'testing', 'release'), apply },
    ];
    const performance = { run: 'run', record: async () => {}, tell: () => {} };
    const error = await performAll(jobs, { ...performance, signal: new AbortController().signal }).catch(
      (caught: unknown) => caught,
    );
    return { done, error };
  };

  it('stores the record last', async () => {
    const { done, error } = await run([]);
    expect(error).toBeUndefined();
    expect(done).toEqual(['InRelease', 'repomd.xml', 'old.deb', 'old.rpm', 'release', 'record']);
  });

  it('goes on after a failure, but neither deletes what clients may need nor says that all is published', async () => {
    const { done, error } = await run(['InRelease', 'release']);
    expect(done).toEqual(['repomd.xml', 'old.rpm']);
    expect(error).toMatchObject({
      code: 'STORE_FAILED',
      message: 'cannot store InRelease\ngithub failed as well: cannot store release',
    });
  });
});
