import { join, resolve } from 'node:path';
import { EXIT } from '../errors.ts';
import { collectParts } from '../run/collect.ts';
import type { CommonOptions } from '../run/options.ts';
import { planningHere, type RequirePlanned } from '../run/plan-again.ts';
import { projectOut } from '../run/project-options.ts';
import { isCapable } from '../run/session.ts';
import { plural } from '../ui/format.ts';
import type { Output } from '../ui/output.ts';
import { renderSummary } from '../ui/summary.ts';

/**
 * `turnbuild collect`: merges the parts of a plan that several machines built. Exit code 1 if a step has failed.
 * @param requirePlanned refuses a plan that this machine would not have made
 */
export async function collect(
  names: readonly string[],
  options: Pick<CommonOptions, 'out' | 'json' | 'dryRun' | 'recipes' | 'lock'>,
  output: Output,
  signal: AbortSignal,
  requirePlanned: RequirePlanned = planningHere(options),
): Promise<number> {
  const place = {
    out: resolve(options.out ?? (await projectOut()) ?? 'dist'),
    perform: options.dryRun !== true,
    signal,
    requirePlanned,
  };
  const { manifest, dir, images } = await collectParts(names, place);
  if (options.json === true) output.data(manifest);
  else {
    const counted = `${plural(names.length, 'part')}, ${plural(manifest.steps.length, 'step')}`;
    output.line(`${counted}: all files match their manifests`);
    if (options.dryRun === true) output.line(`Dry run: would merge the parts into ${dir}`);
    else {
      const color = isCapable(process.stdout, process.env);
      output.styled(renderSummary(manifest, { dir, columns: color ? process.stdout.columns : 100, color }));
    }
  }
  if (images.length > 0) {
    const plan = join(dir, 'plan.json');
    output.line(
      `Not collected: ${images.join(', ')}. Build images from the collected packages: turnbuild image --plan ${plan}`,
    );
  }
  return manifest.steps.every(({ status }) => status === 'done') ? EXIT.ok : EXIT.failed;
}
