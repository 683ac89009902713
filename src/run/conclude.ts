import { join } from 'node:path';
import { EXIT, TurnbuildError } from '../errors.ts';
import type { Manifest } from '../manifest/schema.ts';
import { compiles, type StageName } from '../manifest/stages.ts';
import type { Output } from '../ui/output.ts';
import { renderSummary } from '../ui/summary.ts';
import { administrationNotice } from './administration-notice.ts';
import { dryRunCommands } from './dry-run.ts';
import { withImageMirrors } from './image-mirrors.ts';
import { maintainerWarning } from './maintainer-warning.ts';
import { performRelease } from './perform.ts';
import { isCapable, type PlannedRelease, type Session } from './session.ts';
import type { ManifestStore } from './step.ts';

/**
 * Performs a planned release or prints its commands, then prints the result.
 * @param before records existing results, under the folder's lock
 * @returns the exit code
 */
export async function conclude(
  given: Session,
  planned: PlannedRelease,
  stages: readonly StageName[],
  before?: (store: ManifestStore) => Promise<void>,
): Promise<number> {
  const { options, output } = given;
  announce(planned, output);
  const session = await withImageMirrors(given, planned.plan);
  if (options.dryRun === true) return dryRun(session, planned, stages);
  let manifest: Manifest;
  try {
    manifest = await performRelease(session, planned, stages, before);
  } catch (error) {
    if (error instanceof TurnbuildError && error.code === 'VERIFY_FAILED')
      output.line(`Report: ${join(planned.dir, 'report.html')}`);
    throw error;
  }
  if (options.json === true) output.data(manifest);
  else if (stages.some((stage) => !compiles(stage))) {
    const color = isCapable(process.stdout, process.env);
    const columns = color ? process.stdout.columns : 100;
    output.styled(renderSummary(manifest, { dir: planned.dir, columns, color }));
  }
  for (const line of [...maintainerWarning(planned.plan, stages), ...administrationNotice(manifest)])
    output.line(line);
  return EXIT.ok;
}

function announce({ plan, builder, dir }: PlannedRelease, output: Output): void {
  const processors = plan.steps.map((step) => plan.compilesOn[step.arch]);
  output.line(
    `builder ${builder.name} (${builder.driver}), compiling on ${[...new Set(processors)].join(' and ')}; results in ${dir}`,
  );
}

/** Prints every command that would run. Reads are performed, nothing is written. */
async function dryRun(
  session: Session,
  planned: PlannedRelease,
  stages: readonly StageName[],
): Promise<number> {
  const commands = await dryRunCommands(session, planned, stages);
  if (session.options.json === true) session.output.data(commands);
  else for (const { line } of commands) session.output.line(line);
  return EXIT.ok;
}
