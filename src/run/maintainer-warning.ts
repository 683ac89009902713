import type { StageName } from '../manifest/stages.ts';
import type { Plan } from '../plan/types.ts';
import { isPlaceholder } from '../recipe/schema.ts';

/**
 * The warning about a placeholder maintainer; empty if the address is real or no package is built.
 * @param stages the stages to perform: the plan of an image also contains the steps of its package
 */
export function maintainerWarning(
  { maintainer, steps }: Pick<Plan, 'maintainer' | 'steps'>,
  stages: readonly StageName[],
): string[] {
  const packages = stages.includes('package') && steps.some(({ stage }) => stage === 'package');
  if (!isPlaceholder(maintainer) || !packages) return [];
  return [
    `warning: the maintainer of the packages is ${maintainer}, an address that cannot receive mail. Before you publish them, ` +
      'set --maintainer "Name <address@host>" or "maintainer" in turnbuild.yaml.',
  ];
}
