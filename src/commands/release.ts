import type { StageName } from '../manifest/stages.ts';
import { quarantineOf } from '../recipe/advisories.ts';
import { conclude } from '../run/conclude.ts';
import { planGiven } from '../run/given-plan.ts';
import type { CommonOptions } from '../run/options.ts';
import { planRelease } from '../run/planning.ts';
import { requireRebuilt } from '../run/revision.ts';
import { openSession } from '../run/session.ts';
import type { Output } from '../ui/output.ts';

/** `turnbuild release`, and its single stages: `build`, `package`, `verify`. */
export async function release(
  version: string | undefined,
  stages: readonly StageName[],
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  // A plan already contains the project's decisions.
  const uses = options.plan === undefined ? 'release' : 'places';
  const session = await openSession(options, output, signal, uses);
  const perform = options.dryRun !== true;
  const planned =
    options.plan === undefined
      ? await planRelease(session, version ?? session.coturn, { stages, perform })
      : await planGiven(session, options.plan, { version, stages, perform });
  requireRebuilt(planned.rebuild, stages);
  const { source } = planned;
  output.line(
    `coturn ${source.version} from ${source.location} (sha256 ${source.sha256.slice(0, 16)}, tree ${source.tree.slice(0, 16)})`,
  );
  const bad = quarantineOf(source.version, session.recipes.quarantine);
  if (bad !== undefined) {
    const allowedBy = options.plan === undefined ? '--allow-quarantined' : 'The plan';
    output.line(
      `coturn ${source.version} must not be shipped: ${bad.reason} (${bad.reference}) ${allowedBy} allows it.`,
    );
  }
  return conclude(session, planned, stages);
}
