import { KEY_FILE } from './key-file.ts';
import type { PublishAction } from './plan.ts';

/**
 * Divides changes into groups, in order. The changes of a group may be made side by side, because none leads to another: they store new files,
 * replace files, or move pointers. Files are deleted one after the other. The key is a group of its own: metadata that are signed again are
 * replaced, too, and clients must be able to get the key that signed them.
 */
export function independentGroups(actions: readonly PublishAction[]): PublishAction[][] {
  const groups: PublishAction[][] = [];
  for (const action of actions) {
    const last = groups.at(-1);
    const isAlone = action.do === 'delete' || [action.path, last?.[0]?.path].includes(KEY_FILE);
    if (last !== undefined && last[0]?.do === action.do && !isAlone) last.push(action);
    else groups.push([action]);
  }
  return groups;
}

/**
 * Calls a function for each item, for a number of them at a time, in their order. After a failure no more are begun.
 * @throws the first error, after those that were begun have ended
 */
export async function sideBySide<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const errors: unknown[] = [];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined && errors.length === 0; item = waiting.shift())
      await work(item).catch((error: unknown) => errors.push(error));
  };
  await Promise.all(Array.from({ length: atOnce }, next));
  if (errors.length > 0) throw errors[0];
}
