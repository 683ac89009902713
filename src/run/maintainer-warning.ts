import type { Plan } from '../plan/types.ts';
import { isPlaceholder } from '../recipe/schema.ts';

/** The warning about packages whose maintainer has no real address; empty if there is nothing to warn of, or no package is built. */
export function maintainerWarning({ maintainer, steps }: Pick<Plan, 'maintainer' | 'steps'>): string[] {
  if (!isPlaceholder(maintainer) || !steps.some(({ stage }) => stage === 'package')) return [];
  return [
    `warning: the packages name ${maintainer} as their maintainer, an address that cannot receive mail. Before you publish them, ` +
      'set --maintainer "Name <address@host>" or "maintainer" in turnbuild.yaml.',
  ];
}
