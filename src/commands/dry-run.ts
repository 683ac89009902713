import { buildxCommand } from '../plan/buildx.ts';
import { formatCommand } from '../plan/command.ts';
import { targetOfStep } from '../plan/index.ts';
import { platformOf } from '../plan/platforms.ts';
import type { StageName } from '../plan/types.ts';
import { bootstrapCommand } from '../stages/base.ts';
import type { PlannedRelease, Session } from './session.ts';

/** One command of a dry run, for people (`line`) and for programs. */
export interface DryRunEntry {
  step: string;
  line: string;
}

/** The commands of a release in order, made by the same functions that a real run uses. Digests of roots that aren't there yet are named. */
export function dryRunCommands(
  session: Session,
  { plan, dir }: PlannedRelease,
  stages: readonly StageName[],
): DryRunEntry[] {
  const bases = plan.bases
    .filter((base) => base.image === undefined && session.mirrors !== undefined)
    .map((base) => ({
      step: `root:${base.id}`,
      line: formatCommand(
        bootstrapCommand(
          base,
          session.mirrors ?? { debian: '' },
          `${session.cache}/bases/${base.id}/root.tar`,
        ),
      ),
    }));
  const steps = plan.steps
    .filter((step) => stages.includes(step.stage))
    .flatMap((step) =>
      step.dockerStages.map((dockerStage) => ({
        step: step.id,
        line: formatCommand(
          buildxCommand({
            context: `${session.recipes.dir}/docker/${targetOfStep(plan, step).format}`,
            dockerStage,
            platform: `linux/${platformOf(step.arch).oci}`,
            contexts: {
              base: `oci-layout://${session.cache}/bases/${step.base}`,
              target: `oci-layout://${session.cache}/bases/${step.targetBase}`,
              inputs: `${dir}/.work/${step.id.replaceAll(':', '-')}/inputs`,
            },
            buildArgs: step.buildArgs,
            output: `${dir}/.work/${step.id.replaceAll(':', '-')}/out`,
            ...(session.options.builder === undefined ? {} : { builder: session.options.builder }),
          }),
        ),
      })),
    );
  return [...bases, ...steps];
}
