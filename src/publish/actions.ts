import { TurnbuildError } from '../errors.ts';
import type { StoredFile } from '../io/store.ts';
import type { PublishAction } from './plan.ts';

/** What a planner knows about a repository. */
interface Known {
  where: string;
  /** What the repository has: path -> file. */
  stored: ReadonlyMap<string, StoredFile | undefined>;
  sha256: (content: string | Uint8Array) => string;
}

/**
 * Stores a file under a name that never changes its content, unless it is there.
 * @param wanted.file the release's file that it is a copy of
 * @throws PUBLISHED_DIFFERS if the name is taken by different content
 */
export function storeNew(
  path: string,
  { size, sha256, file }: { size: number; sha256: string; file?: string },
  { where, stored }: Known,
): PublishAction {
  const found = stored.get(path);
  const wanted = { path, size, sha256, ...(file === undefined ? {} : { file }) };
  if (found === undefined) return { do: 'create', ...wanted };
  if (found.sha256 === sha256) return { do: 'reuse', ...wanted };
  const problem = `${where} has a different ${path}: ${found.size} bytes, sha256 ${found.sha256}; expected ${size} bytes, sha256 ${sha256}`;
  if (file !== undefined) throw differs(problem);
  throw new TurnbuildError('PUBLISHED_DIFFERS', problem, {
    hint: 'The file is damaged: its name contains the digest of its content. Remove it, and run the same command again.',
  });
}

/**
 * Stores a file of metadata that is pointed at, even if it is there: the age of metadata that nothing leads to any more is counted from the
 * time at which the next ones were stored (src/publish/garbage.ts).
 */
export function storePointed(
  path: string,
  wanted: { size: number; sha256: string },
  known: Known,
): PublishAction {
  const action = storeNew(path, wanted, known);
  return action.do === 'reuse' ? { ...action, do: 'replace' } : action;
}

/** Stores a file that clients copy. Each client has its own copy, so it may change. */
export function storeClientFile(path: string, bytes: Uint8Array, { stored, sha256 }: Known): PublishAction {
  const digest = sha256(bytes);
  const isSame = stored.get(path)?.sha256 === digest;
  return { do: isSame ? 'reuse' : 'replace', path, size: bytes.length, sha256: digest };
}

/** Leaves out a second action for the same path. */
export function onlyOnce(actions: readonly PublishAction[]): PublishAction[] {
  const seen = new Set<string>();
  return actions.filter(({ path }) => !seen.has(path) && seen.add(path));
}

/** The error of a published name or version whose content would change. */
export function differs(message: string): TurnbuildError {
  return new TurnbuildError('PUBLISHED_DIFFERS', message, {
    hint: 'A published package never changes. Publish the changed ones with a new --revision.',
  });
}
