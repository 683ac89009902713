import { runsOf } from '../checks/index.ts';
import { repositoryAddresses } from '../plan/archives.ts';
import { stepCommand } from '../plan/buildx.ts';
import type { CheckSelection } from '../plan/check-selection.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import { targetOfStep } from '../plan/index.ts';
import { platformOf } from '../plan/platforms.ts';
import { bootstrapCommand, findImageCommand, importCommand, lenderOf, rootImage } from '../plan/roots.ts';
import type { Plan, PlannedBase, PlannedStep, StageName } from '../plan/types.ts';
import { findRoot, layoutOf } from '../stages/base.ts';
import { networkArgs, phasesArgs } from '../stages/verify/gather.ts';
import { type BuilderFacts, ownArch, sharesNetwork } from './builder.ts';
import { lenderFor } from './roots.ts';
import type { PlannedRelease, Session } from './session.ts';

/** One command of a dry run, for people (`line`) and for programs. */
export interface DryRunEntry {
  step: string;
  line: string;
}

/** Build arguments that only a real run knows, by Docker stage. */
const UNKNOWN_ARGS: Readonly<Record<string, Record<string, string>>> = {
  build: { ARCHIVE_STATE: 'STATE' },
  package: { ARCHIVE_STATE: 'STATE' },
  verify: { ATTEMPT: 'RANDOM' },
};

/**
 * The commands of a release in order, made by the same functions that a real run uses. What only a real run knows is
 * named in capitals: DIGEST of a root that has yet to be made, STATE of the package archive, RANDOM for what is new each time.
 */
export async function dryRunCommands(
  session: Session,
  { plan, dir, builder, selection }: PlannedRelease,
  stages: readonly StageName[],
): Promise<DryRunEntry[]> {
  const roots = await Promise.all(plan.bases.map((base) => rootOf(base, plan.bases, session, builder)));
  const contextOf = (id: string) => roots.find((root) => root.id === id)?.context ?? '';
  const steps = plan.steps
    .filter((step) => stages.includes(step.stage))
    .flatMap((step) =>
      dockerStagesOf(step, plan, selection).map((dockerStage) => {
        const work = `${dir}/work/tmp/${step.id.replaceAll(':', '-')}`;
        const command = stepCommand(step, {
          dockerStage,
          folder: `${session.recipes.dir}/docker`,
          base: contextOf(step.base),
          target: contextOf(step.targetBase),
          inputs: `${work}/inputs`,
          ...(dockerStage === 'lab'
            ? {
                image: {
                  name: 'turnbuild-lab-RANDOM',
                  platform: `linux/${platformOf(plan.compilesOn[step.arch]).oci}`,
                },
              }
            : {}),
          output: step.stage === 'verify' ? `${work}/out/${dockerStage}` : `${work}/out`,
          builder: session.options.builder,
          noCache: session.options.cache === false,
          inherited: session.io.proxiesForBuilds(),
          args: {
            ...UNKNOWN_ARGS[dockerStage],
            ...(dockerStage === 'verify'
              ? {
                  ...phasesArgs(runsOf(step, { plan, selection })),
                  ...networkArgs({ sharedNetwork: sharesNetwork(builder) }),
                }
              : {}),
            ...repositories(step, plan, session),
          },
        });
        return { step: step.id, line: formatCommand(command) };
      }),
    );
  return [...roots.flatMap((root) => root.commands), ...steps];
}

/** The Docker stages of a step that the chosen checks need. */
function dockerStagesOf(step: PlannedStep, plan: Plan, selection: CheckSelection): readonly string[] {
  if (step.stage !== 'verify') return step.dockerStages;
  const { phases, scenarios } = runsOf(step, { plan, selection });
  const needed: Record<string, boolean> = {
    verify: phases.length > 0,
    sanitize: scenarios.includes('sanitized'),
    lab: scenarios.length > 0,
  };
  return step.dockerStages.filter((stage) => needed[stage] ?? true);
}

/** Where a sysroot is filled from; MIRROR for what nobody has named. */
function repositories(step: PlannedStep, plan: Plan, { mirrors }: Session): Record<string, string> {
  const { sysroot } = targetOfStep(plan, step);
  const used = step.stage === 'build' || step.buildArgs.RPM_ROOT === 'installed';
  if (sysroot === undefined || !used) return {};
  const unnamed = Object.fromEntries(sysroot.repositories.map(({ mirror }) => [mirror, 'MIRROR']));
  const known = { ...mirrors, named: { ...unnamed, ...mirrors.named } };
  const addresses = repositoryAddresses(sysroot, step.arch, known);
  return { SYSROOT_REPOSITORIES: addresses.join(' '), SYSROOT_METADATA: 'STATE' };
}

/** A root's named context, and the commands that make it if it isn't there. */
async function rootOf(
  base: PlannedBase,
  bases: readonly PlannedBase[],
  session: Session,
  builder: BuilderFacts,
): Promise<{ id: string; context: string; commands: DryRunEntry[] }> {
  if (base.image !== undefined) return { id: base.id, context: `docker-image://${base.image}`, commands: [] };
  const { io, cache, mirrors, options } = session;
  const known = { ...mirrors, debian: mirrors.debian ?? 'MIRROR' };
  const found = await findRoot(base, known, { io, cache });
  const made = found.digest === undefined || options.refreshBase === true;
  const digest = found.digest === undefined || made ? 'DIGEST' : found.digest;
  const layout = layoutOf(found.dir, digest);
  const commands: Command[] = [];
  if (made) {
    const from = lenderOf(base, bases, ownArch());
    const lender = from === undefined ? undefined : await lenderFor({ ...session, mirrors: known }, from);
    commands.push(bootstrapCommand(base, known, `${found.dir}/work.tmp`, lender));
  }
  const image = rootImage(base, digest);
  if (!builder.ociLayouts && (made || (await io.exec(findImageCommand(builder.name, image))).code !== 0)) {
    const tar = made ? `${layout}/blobs/sha256/ROOT` : await io.rootLayer(layout, digest);
    commands.push(importCommand(base, builder.name, tar, image));
  }
  return {
    id: base.id,
    context: builder.ociLayouts ? `oci-layout://${layout}@${digest}` : `docker-image://${image}`,
    commands: commands.map((command) => ({ step: `root:${base.id}`, line: formatCommand(command) })),
  };
}
