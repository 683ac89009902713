import type { Plan } from '../plan/types.ts';
import { isPlaceholder } from '../recipe/schema.ts';

/** What to say of packages that name nobody whom their users could write to; nothing if they do, or if none are made. */
export function maintainerWarning({ maintainer, steps }: Pick<Plan, 'maintainer' | 'steps'>): string[] {
  if (!isPlaceholder(maintainer) || !steps.some(({ stage }) => stage === 'package')) return [];
  return [
    `warning: the packages name ${maintainer} as their maintainer, an address that cannot receive mail. Before you publish them, ` +
      'set --maintainer "Name <address@host>" or "maintainer" in recipes/release.yaml.',
  ];
}
