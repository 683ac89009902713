import { join, resolve } from 'node:path';
import { EXIT, TurnbuildError } from '../errors.ts';
import { sha256Text } from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import type { Manifest } from '../manifest/schema.ts';
import { planDigest } from '../plan/document.ts';
import { releaseVersion } from '../plan/package-version.ts';
import type { StageName } from '../plan/types.ts';
import { type ResolvedSource, writeSource } from '../stages/source.ts';
import { renderSummary } from '../ui/summary.ts';
import { dryRunCommands } from './dry-run.ts';
import { planGiven } from './given-plan.ts';
import type { CommonOptions } from './options.ts';
import type { Output } from './output.ts';
import { performRelease } from './pipeline.ts';
import { planRelease } from './planning.ts';
import { requireRebuilt } from './revision.ts';
import type { ManifestStore } from './run-plan.ts';
import { isCapable, openSession, type PlannedRelease, type Session } from './session.ts';
import { fetchShown } from './source-progress.ts';
import { planFile } from './verify-file.ts';

/** `turnbuild release`, and its single stages: `build`, `package`, `verify`. */
export async function release(
  version: string | undefined,
  stages: readonly StageName[],
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const perform = options.dryRun !== true;
  const planned =
    options.plan === undefined
      ? await planRelease(session, version, { stages, perform })
      : await planGiven(session, options.plan, { version, stages, perform });
  requireRebuilt(planned.rebuild, stages);
  const { source } = planned;
  output.line(
    `coturn ${source.version} from ${source.location} (sha256 ${source.sha256.slice(0, 16)}, tree ${source.tree.slice(0, 16)})`,
  );
  return conclude(session, planned, stages);
}

/** `turnbuild verify FILE`: a package of whoever's making. */
export async function verifyFile(
  file: string,
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const {
    release: planned,
    described,
    adopt,
  } = await planFile(session, file, {
    perform: options.dryRun !== true,
  });
  output.line(
    `${file}: coturn ${described.version} (${described.packageVersion}) for ${described.target.name} on ${described.arch}`,
  );
  output.line('The checks test whether it works, not whether it is harmless (docs/security.md).');
  return conclude(session, planned, ['verify'], adopt);
}

async function conclude(
  session: Session,
  planned: PlannedRelease,
  stages: readonly StageName[],
  before?: (store: ManifestStore) => Promise<void>,
): Promise<number> {
  const { options, output } = session;
  announce(planned, output);
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
  else if (stages.includes('verify') || stages.includes('package')) {
    const color = isCapable(process.stdout, process.env);
    const columns = color ? process.stdout.columns : 100;
    output.line(renderSummary(manifest, { dir: planned.dir, columns, color }));
  }
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

/** `turnbuild plan`: the plan as a document, for people, for a CI matrix, and for `--plan` on other machines. */
export async function plan(
  version: string | undefined,
  stages: readonly StageName[],
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const { plan: planned, source, document } = await planRelease(session, version, { stages, perform: false });
  if (options.json === true) {
    output.data({ ...document, digest: planDigest(document, sha256Text) });
    return EXIT.ok;
  }
  output.line(`coturn ${releaseVersion(planned.coturn)} from ${source.location}`);
  for (const reason of planned.needs.reasons) output.line(`  needs: ${reason}`);
  for (const base of planned.bases)
    output.line(`  root ${base.id}: ${base.image ?? 'bootstrapped from the Debian archive'}`);
  for (const step of planned.steps) output.line(`  ${step.id} -> ${step.outputs.join(', ')}`);
  for (const { severity, id, fixed, summary } of planned.advisories)
    output.line(`  known weakness: ${severity} ${id}, fixed in ${fixed}: ${summary}`);
  return EXIT.ok;
}

/** `turnbuild source`: fetches, checks and normalises the sources only. */
export async function source(
  version: string | undefined,
  options: CommonOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const found = await fetchShown(session, version);
  const dir = join(options.out ?? 'dist', found.version);
  const tar = options.dryRun === true ? undefined : await writeLocked(found, resolve(dir), session);
  if (options.json === true) output.data({ ...found, tar });
  else {
    output.line(`coturn ${found.version} from ${found.location}`);
    output.line(`  sha256 ${found.sha256}`);
    output.line(`  tree   ${found.tree}`);
    if (tar !== undefined) output.line(`  normalised sources: ${tar}`);
  }
  return EXIT.ok;
}

/** Under the folder's lock: a release that runs there must not find other sources from one step to the next. */
async function writeLocked(found: ResolvedSource, dir: string, { io }: Session): Promise<string> {
  const lock = await lockFolder(dir);
  try {
    return await writeSource(found, dir, io);
  } finally {
    await lock.release();
  }
}
