import { join } from 'node:path';
import { CHECKS } from '../checks/index.ts';
import { RULES } from '../config/finding.ts';
import { ARCHITECTURES } from '../plan/platforms.ts';
import { LOCK, loadRecipes } from '../run/recipes.ts';
import { readLock } from '../sources/lock-file.ts';

/** The words that an option or argument may be, by the command's name and the option's (or the argument's). */
export type CompletionValues = (command: string, name: string) => readonly string[];

/** Rules that a finding can be accepted of. */
const ACCEPTABLE = Object.keys(RULES).filter((rule) => rule !== 'invalid-acceptance');

/** Reads what the installed recipes and the lock file have. */
export async function completionValues(): Promise<CompletionValues> {
  const recipes = await loadRecipes();
  const { sources } = await readLock(join(recipes.dir, LOCK));
  const checks = CHECKS.map(({ id }) => id);
  const selectable = [...new Set([...checks.map((id) => id.split('.')[0] ?? id), ...checks])];
  const versions = ['latest', ...Object.keys(sources)];
  const known: Record<string, readonly string[]> = {
    '--arch': ARCHITECTURES,
    '--target': recipes.targets.map(({ name }) => name),
    '--source': ['github', 'debian'],
    '--revision': ['auto'],
    '--only': selectable,
    '--skip': selectable,
    '--accept': recipes.advisories.map(({ id }) => id),
    '--version': versions,
    '--coturn': versions,
    version: versions,
  };
  return (command, name) => {
    if (command === 'lint-config' && name === '--accept') return ACCEPTABLE;
    return known[name] ?? [];
  };
}
