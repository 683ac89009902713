import { TurnbuildError } from '../../../src/errors.ts';
import type { FolderLock } from '../../../src/io/folder-lock.ts';
import type { Store } from '../../../src/io/store.ts';
import { brokenReferences, startedClients } from '../broken-references.ts';
import { type MemoryStore, memoryStore } from '../memory-store.ts';
import { contentDigest } from '../published.ts';
import type { CallPlan, Failure } from './failure.ts';
import type { FaultyPlace } from './place.ts';

/** `refused`: an error before a call has an effect; `unanswered`: it succeeds, but the answer is an error; `twice`: it is sent again. */
type Kind = 'refused' | 'unanswered' | 'twice';
type Files = ReadonlyMap<string, Buffer>;

const failure = (kind: Kind, ends?: string): Failure<Kind> => ({
  ...{ name: kind, calls: /./, kind, source: 'src/io/store.ts' },
  ...(ends === undefined ? {} : { ends }),
});

export const MEMORY_FAILURES = [
  failure('refused', 'STORE_UNREACHABLE'),
  failure('unanswered', 'STORE_UNREACHABLE'),
  failure('twice'),
];

const CALLS = ['read', 'describe', 'list', 'listAll', 'create', 'replace', 'remove', 'lock'] as const;

/** A store in memory. */
export function memoryPlace(): FaultyPlace<Kind, Files> {
  let broken: string[] = [];
  let store: MemoryStore = memoryStore(new Map(), () => {});
  return {
    name: 'memory',
    failures: MEMORY_FAILURES,
    save: () => new Map(store.files),
    restore(files, { keepsOld } = { keepsOld: true }) {
      broken = [];
      const started = startedClients(keepsOld ? files : new Map());
      store = memoryStore(files, (now) =>
        broken.push(...brokenReferences(now), ...brokenReferences(now, started)),
      );
    },
    content: () =>
      Object.fromEntries(
        [...store.files].map(([path, bytes]) => [path, contentDigest(path, bytes)] as const).sort(),
      ),
    isLocked: () => store.isLocked(),
    broken: () => broken,
    async open(plan) {
      // What taking over the lock of a dead process does.
      store.unlock();
      return failing(store, plan);
    },
  };
}

/** A store whose calls fail as planned. */
function failing(store: Store, plan: CallPlan<Kind>): Store {
  const failed = () => new TurnbuildError('STORE_UNREACHABLE', 'The store does not answer');
  // A process that was killed makes no further call.
  const killed = () => new TurnbuildError('KILLED', 'The process was killed');
  const alive = (lock: FolderLock): FolderLock => ({
    ...lock,
    async release() {
      if (!plan.isDead()) await lock.release();
    },
  });
  const call = async (name: (typeof CALLS)[number], args: unknown[]): Promise<unknown> => {
    const outcome = plan.next(name === 'lock' ? name : `${name} ${args[0]}`);
    const really = () => (store[name] as (...all: unknown[]) => Promise<unknown>)(...args);
    if (outcome === 'refused') throw failed();
    if (outcome === 'killed' || outcome === 'dead') throw killed();
    const result = await really();
    if (outcome === 'killed-after') throw killed();
    if (outcome === 'unanswered') {
      // A lock that nobody knows of must not stay: real stores give it back, or it expires.
      if (name === 'lock') await (result as FolderLock).release();
      throw failed();
    }
    if (outcome === 'twice' && name !== 'lock') return really();
    return name === 'lock' ? alive(result as FolderLock) : result;
  };
  const methods = Object.fromEntries(
    CALLS.map((name) => [name, (...args: unknown[]) => call(name, args)]),
  ) as unknown as Omit<Store, 'address'>;
  return { ...methods, address: store.address };
}
