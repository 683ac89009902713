import { judges, type StageName } from '../manifest/stages.ts';
import { repositoryAddresses } from '../plan/archives.ts';
import { lenderOf } from '../plan/bases.ts';
import { type Command, formatCommand } from '../plan/command.ts';
import { targetOfStep } from '../plan/index.ts';
import type { Plan, PlannedBase, PlannedStep } from '../plan/types.ts';
import { archiveReader } from '../stages/shared/archive.ts';
import { giveBase } from '../stages/shared/bases.ts';
import { imageFolder, lenderFor } from './bases.ts';
import { type BuilderFacts, ownArch } from './builder.ts';
import { readManifest } from './manifest-file.ts';
import { plannedContext } from './planning.ts';
import { type PlannedRelease, placeOf, type Session } from './session.ts';
import { STAGE_TABLE, type StageTable } from './stage-table.ts';
import { isCurrent } from './step.ts';

/** One command of a dry run, for people (`line`) and for programs. */
export interface DryRunEntry {
  step: string;
  line: string;
}

/** Placeholders for values that only a real run knows. */
const UNKNOWN = { archive: 'STATE', attempt: 'RANDOM', digest: 'DIGEST' };

/**
 * The commands of a release in order, as a real run would perform them. Placeholders in capitals stand for values that only a real run
 * knows: DIGEST of a base image that does not exist yet, STATE of the package archive, RANDOM for values that differ each time.
 * @param table the stages; by default the real ones
 */
export async function dryRunCommands(
  session: Session,
  release: PlannedRelease,
  stages: readonly StageName[],
  table: StageTable = STAGE_TABLE,
): Promise<DryRunEntry[]> {
  const { plan, builder } = release;
  const bases = await Promise.all(plan.bases.map((base) => foundBase(base, plan.bases, session, builder)));
  const current = await currentSteps(session, release, { bases, stages, table });
  const context = {
    ...(await plannedContext(session, plan, release)),
    ...placeOf(session, release),
    io: session.io,
    attempt: UNKNOWN.attempt,
    bases: new Map(bases.map((base) => [base.id, base])),
  };
  const steps = plan.steps
    .filter((step) => stages.includes(step.stage))
    .flatMap((step) => {
      if (current.has(step.id)) return [{ step: step.id, line: `# ${step.id}: up to date` }];
      const found = { archive: UNKNOWN.archive, repositories: repositories(step, plan, session) };
      const commands = table[step.stage].commands(step, context, found);
      return commands.map((command) => ({ step: step.id, line: formatCommand(command) }));
    });
  return [...bases.flatMap((base) => base.commands), ...steps];
}

/** Ids of the steps that are up to date. */
async function currentSteps(
  session: Session,
  { plan, keys, dir, selection, full, rebuild }: PlannedRelease,
  { bases, stages, table }: { bases: readonly FoundBase[]; stages: readonly StageName[]; table: StageTable },
): Promise<Set<string>> {
  const current = new Set<string>();
  const made = await readManifest(dir);
  if (session.options.cache === false || made === undefined) return current;
  const { steps } = made;
  const context = {
    ...(await plannedContext(session, plan, { selection, full })),
    dir,
    archive: archiveReader(session.io, session.cache, session.mirrors),
    bases: new Map(bases.flatMap(({ id, digest }) => (digest === undefined ? [] : [[id, { digest }]]))),
  };
  for (const step of plan.steps) {
    const isDue = (need: string) =>
      plan.steps.some(({ id, stage }) => id === need && stages.includes(stage)) && !current.has(need);
    if (!stages.includes(step.stage) || step.needs.some(isDue) || rebuild.has(step.id)) continue;
    const last = steps.find(({ id }) => id === step.id);
    // A real run of this stage alone would refuse outdated results of an earlier stage, except for verdicts, which apply to their inputs.
    const stale = plan.steps.some(
      ({ id, stage }) =>
        step.needs.includes(id) &&
        !judges(stage) &&
        steps.find((each) => each.id === id)?.planned !== keys.get(id)?.key,
    );
    if (stale) continue;
    // isCurrent throws if an input is missing, e.g. a base image.
    const found = isCurrent(step, last, context, { table, keys }).catch(() => false);
    if (await found) current.add(step.id);
  }
  return current;
}

/** The repositories of a sysroot, with MIRROR for unknown addresses. */
function repositories(step: PlannedStep, plan: Plan, { mirrors }: Session): Record<string, string> {
  const { sysroot } = targetOfStep(plan, step);
  if (sysroot === undefined) return {};
  const unnamed = Object.fromEntries(
    sysroot.repositories.flatMap(({ mirror, address }) =>
      address === undefined ? [[mirror, 'MIRROR']] : [],
    ),
  );
  const known = { ...mirrors, named: { ...unnamed, ...mirrors.named } };
  const addresses = repositoryAddresses(sysroot, step.arch, known);
  return { SYSROOT_REPOSITORIES: addresses.join(' '), SYSROOT_METADATA: UNKNOWN.archive };
}

interface FoundBase {
  id: string;
  context: string;
  /** Undefined if it does not exist yet. */
  digest?: string;
  commands: DryRunEntry[];
}

/** A base image's named context, and the commands that make a missing image. Uses the code of a real run, but changes nothing. */
async function foundBase(
  base: PlannedBase,
  bases: readonly PlannedBase[],
  session: Session,
  builder: BuilderFacts,
): Promise<FoundBase> {
  const { io, cache, mirrors, options } = session;
  const known = { ...mirrors, debian: mirrors.debian ?? 'MIRROR' };
  const from = lenderOf(base, bases, ownArch());
  const commands: Command[] = [];
  const lender = async () =>
    from === undefined ? undefined : lenderFor({ ...session, mirrors: known }, from);
  const { context, digest } = await giveBase(
    base,
    {
      ...{ io, cache, mirrors: known, refresh: options.refreshBase === true, lender, builder },
      chosenBuilder: options.builder,
      imageFolder: imageFolder(session.recipes),
    },
    {
      async make(dir, commandsFor) {
        commands.push(...(await commandsFor(`${dir}/work.tmp`)));
        return UNKNOWN.digest;
      },
      tar: async (layout, of) =>
        of === UNKNOWN.digest ? `${layout}/blobs/sha256/ROOT` : io.rootLayer(layout, of),
      take: async (command) => void commands.push(command),
    },
  );
  return {
    id: base.id,
    context,
    ...(digest === UNKNOWN.digest ? {} : { digest }),
    commands: commands.map((command) => ({ step: `base:${base.id}`, line: formatCommand(command) })),
  };
}
