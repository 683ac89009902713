import { stepCommand } from '../plan/buildx.ts';
import { formatCommand } from '../plan/command.ts';
import { targetOfStep } from '../plan/index.ts';
import type { PlannedBase, StageName } from '../plan/types.ts';
import { bootstrapCommand, findRoot } from '../stages/base.ts';
import type { PlannedRelease, Session } from './session.ts';

/** One command of a dry run, for people (`line`) and for programs. */
export interface DryRunEntry {
  step: string;
  line: string;
}

/**
 * The commands of a release in order, made by the same functions that a real run uses. What only a real run knows is
 * named in capitals: DIGEST of a root that has yet to be made, RANDOM for what is new each time.
 */
export async function dryRunCommands(
  session: Session,
  { plan, dir }: PlannedRelease,
  stages: readonly StageName[],
): Promise<DryRunEntry[]> {
  const roots = await Promise.all(plan.bases.map((base) => rootOf(base, session)));
  const contextOf = (id: string) => roots.find((root) => root.id === id)?.context ?? '';
  const steps = plan.steps
    .filter((step) => stages.includes(step.stage))
    .flatMap((step) =>
      step.dockerStages.map((dockerStage) => {
        const work = `${dir}/.work/${step.id.replaceAll(':', '-')}`;
        const command = stepCommand(step, {
          dockerStage,
          folder: `${session.recipes.dir}/docker/${targetOfStep(plan, step).format}`,
          base: contextOf(step.base),
          target: contextOf(step.targetBase),
          inputs: `${work}/inputs`,
          output: step.stage === 'verify' ? `${work}/out/${dockerStage}` : `${work}/out`,
          builder: session.options.builder,
          noCache: session.options.cache === false,
          args: dockerStage === 'verify' ? { ATTEMPT: 'RANDOM' } : {},
        });
        return { step: step.id, line: formatCommand(command) };
      }),
    );
  return [...roots.flatMap((root) => root.commands), ...steps];
}

/** A root's named context, and the command that makes it if it isn't there. */
async function rootOf(base: PlannedBase, { io, cache, mirrors, options }: Session) {
  if (base.image !== undefined) return { id: base.id, context: `docker-image://${base.image}`, commands: [] };
  const known = mirrors ?? { debian: 'MIRROR' };
  const { dir, digest } = await findRoot(base, known, { io, cache });
  const made = digest === undefined || options.refreshBase === true;
  const line = formatCommand(bootstrapCommand(base, known, `${dir}.tmp/root.tar`));
  return {
    id: base.id,
    context: `oci-layout://${dir}@${made ? 'DIGEST' : digest}`,
    commands: made ? [{ step: `root:${base.id}`, line }] : [],
  };
}
