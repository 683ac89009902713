import type { Plan } from '../plan/types.ts';
import { isPlaceholder } from '../recipe/schema.ts';

/** The warning about a placeholder maintainer; empty if the address is real or no package is built. */
export function maintainerWarning({ maintainer, steps }: Pick<Plan, 'maintainer' | 'steps'>): string[] {
  if (!isPlaceholder(maintainer) || !steps.some(({ stage }) => stage === 'package')) return [];
  return [
    `warning: the maintainer of the packages is ${maintainer}, an address that cannot receive mail. Before you publish them, ` +
      'set --maintainer "Name <address@host>" or "maintainer" in turnbuild.yaml.',
  ];
}
