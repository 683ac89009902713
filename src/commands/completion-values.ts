import { join } from 'node:path';
import { CHECKS } from '../checks/index.ts';
import { RULES } from '../config/finding.ts';
import { ARCHITECTURES } from '../plan/platforms.ts';
import { CHANNELS, DESTINATIONS } from '../publish/plan.ts';
import { CLOUDS, SSH_CHOICES } from '../recipe/machine.ts';
import { LOCK, loadRecipes } from '../run/recipes.ts';
import { readLock } from '../sources/lock-file.ts';

/** Possible values, by the name of the command and of its option or argument. */
export type CompletionValues = (command: string, name: string) => readonly string[];

/** Rules whose findings can be accepted. */
const ACCEPTABLE = Object.keys(RULES).filter((rule) => rule !== 'invalid-acceptance');

/** Reads the values from the installed recipes and their lock file. */
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
    '--cloud': CLOUDS,
    '--ssh': SSH_CHOICES,
    '--to': DESTINATIONS,
    '--channel': CHANNELS,
    '--from': CHANNELS,
    '--version': versions,
    '--coturn': versions,
    version: versions,
  };
  return (command, name) => {
    if (command === 'lint-config' && name === '--accept') return ACCEPTABLE;
    return known[name] ?? [];
  };
}
