import { readdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Check } from '../checks/check.ts';
import { TurnbuildError, usageError } from '../errors.ts';
import * as files from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { removeLeftovers, temporaryName } from '../io/leftovers.ts';
import { copyPlain } from '../io/plain-copy.ts';
import { type Merged, mergeManifests, type Part, type PlannedParts } from '../manifest/merge.ts';
import { MANIFEST_SCHEMA, type Manifest } from '../manifest/schema.ts';
import { traitsOf } from '../manifest/stages.ts';
import { formatManifest, parseManifest } from '../manifest/store.ts';
import { formatPlan, type PlanDocument, parsePlan, planDigest } from '../plan/document.ts';
import { releaseVersion } from '../plan/package-version.ts';
import { requireSha256 } from './outputs.ts';
import { wrongRecords } from './part-records.ts';
import type { RequirePlanned } from './plan-again.ts';
import { writeReports } from './reports.ts';
import { interrupted, logFile } from './step.ts';

/** A part and its folder. */
interface FoundPart extends Part {
  dir: string;
}

/**
 * Merges the parts of a plan that several machines built. Reads, hashes and compares everything. The release appears complete or not at all.
 * @param names folders of the parts
 * @param place.out parent of the release's folder
 * @param place.perform if false, nothing is written
 * @param place.requirePlanned refuses a plan that this machine would not have made
 * @returns also the steps of the parts that made images, which are not collected
 * @throws PLAN_DIFFERS, COLLECT_CONFLICT, COLLECT_INCOMPLETE, MANIFEST_MISSING, PLAN_MISSING, ARTIFACT_CHANGED, COLLECT_EXISTS, and the errors
 *   of invalid manifests and plans
 */
export async function collectParts(
  names: readonly string[],
  {
    out,
    perform,
    signal,
    requirePlanned,
  }: { out: string; perform: boolean; signal: AbortSignal; requirePlanned: RequirePlanned },
): Promise<{ manifest: Manifest; dir: string; images: readonly string[] }> {
  const parts = await Promise.all(names.map(readPart));
  const { plan, checks } = await planOf(parts, requirePlanned);
  const merged = mergeManifests(parts, plannedParts(plan));
  requireRecords(merged, plan, checks);
  const dir = join(out, plan.coturn.version);
  const images = imagesIn(parts);
  await requireAbsent(dir);
  const copies = copiesOf(merged);
  if (!perform) {
    for (const copy of copies) {
      requireGoing(signal);
      await requireExact(copy, copy.dir);
    }
    return { manifest: merged.manifest, dir, images };
  }
  const lock = await lockFolder(out);
  try {
    await assemble(merged.manifest, { copies, plan, dir, signal });
  } finally {
    await lock.release();
  }
  return { manifest: merged.manifest, dir, images };
}

/** The steps that made images in the parts. They are not in the plan of a release, so they are not collected. */
function imagesIn(parts: readonly FoundPart[]): string[] {
  const made = parts.flatMap(({ manifest }) =>
    manifest.steps.filter(({ stage }) => traitsOf(stage).makes === 'images'),
  );
  return [...new Set(made.map(({ id }) => id))].sort();
}

async function readPart(name: string): Promise<FoundPart> {
  const dir = await releaseFolder(name);
  const file = join(dir, 'manifest.json');
  const manifest = parseManifest(file, await readPlain(dir, 'manifest.json'), files.sha256Text);
  return { name, dir, manifest };
}

/** Reads a document of a part, which must be a regular file. */
async function readPlain(dir: string, name: string): Promise<string> {
  const file = await files.plainFile(dir, name);
  if (file !== undefined) return files.readText(file);
  throw new TurnbuildError('ARTIFACT_CHANGED', `${join(dir, name)} is not a regular file`, {
    hint: 'Copy the part again from its origin.',
  });
}

/** The folder of a release: the given folder, or the only release inside it. */
async function releaseFolder(name: string): Promise<string> {
  const dir = resolve(name);
  if (await files.exists(join(dir, 'manifest.json'))) return dir;
  const inside = (await readdir(dir).catch(() => [])).map((each) => join(dir, each));
  const found: string[] = [];
  for (const each of inside) if (await files.exists(join(each, 'manifest.json'))) found.push(each);
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  throw usageError(
    'MANIFEST_MISSING',
    first === undefined ? `No manifest.json found in ${dir}` : `${dir} contains more than one release`,
    'Pass the folder that `turnbuild release --plan plan.json` created, for example dist/4.18.0.',
  );
}

async function planOf(
  parts: readonly FoundPart[],
  requirePlanned: RequirePlanned,
): Promise<{ plan: PlanDocument; checks: readonly Check[] }> {
  const [first] = parts as [FoundPart, ...FoundPart[]];
  const file = join(first.dir, 'plan.json');
  if (first.manifest.plan === undefined || !(await files.exists(file))) {
    throw new TurnbuildError('PLAN_MISSING', `${first.dir} has no plan.json`, {
      hint: 'Create parts with: turnbuild release --plan plan.json --target T --arch A',
    });
  }
  const plan = parsePlan(file, await readPlain(first.dir, 'plan.json'), files.sha256Text);
  return { plan, checks: await requirePlanned(file, plan) };
}

/** @throws COLLECT_CONFLICT for records that turnbuild would not have written */
function requireRecords(
  { manifest, origins }: Merged<FoundPart>,
  plan: PlanDocument,
  checks: readonly Check[],
): void {
  const wrong = wrongRecords(manifest, plan, checks);
  if (wrong.length === 0) return;
  const lines = wrong.map(({ id, what }) => `  ${id} in ${origins.get(id)?.name} ${what}`);
  throw new TurnbuildError(
    'COLLECT_CONFLICT',
    `The parts differ from what this turnbuild would have recorded:\n${lines.join('\n')}`,
    { hint: 'Do not use them until you know why. Rebuild them with: turnbuild release --plan plan.json' },
  );
}

function plannedParts(plan: PlanDocument): PlannedParts {
  const digest = planDigest(plan, files.sha256Text);
  const { turnbuild, coturn, source, advisories } = plan;
  return {
    digest,
    header: {
      schema: MANIFEST_SCHEMA,
      turnbuild,
      plan: digest,
      coturn,
      packageVersion: releaseVersion(coturn),
      source,
      advisories,
    },
    steps: plan.steps.map((step) => ({ ...step, log: logFile(step.id) })),
  };
}

async function requireAbsent(dir: string): Promise<void> {
  if (await files.exists(dir)) throw existsError(dir);
}

function existsError(dir: string): TurnbuildError {
  return usageError(
    'COLLECT_EXISTS',
    `${dir} already exists`,
    'Remove it, or choose another folder with --out.',
  );
}

/** A file of a part that goes into the merged release. */
interface Copy {
  dir: string;
  path: string;
  /** Unknown for logs, like the size. */
  sha256?: string;
  size?: number;
}

function copiesOf({ manifest, origins }: Merged<FoundPart>): Copy[] {
  return manifest.steps.flatMap((step) => {
    const dir = origins.get(step.id)?.dir ?? '';
    const outputs = step.outputs.map(({ path, sha256, size }) => ({ dir, path, sha256, size }));
    return [...outputs, ...(step.log === undefined ? [] : [{ dir, path: step.log }])];
  });
}

/** Size limit for logs in bytes, because they have no digest. Long logs have a few megabytes. */
const MAX_LOG = 256 * 1024 ** 2;

/** Assembles the release in a temporary folder, then moves it into place. */
async function assemble(
  manifest: Manifest,
  {
    copies,
    plan,
    dir,
    signal,
  }: { copies: readonly Copy[]; plan: PlanDocument; dir: string; signal: AbortSignal },
): Promise<void> {
  await removeLeftovers(dir);
  const work = temporaryName(dir);
  await files.remove(work);
  try {
    for (const copy of copies) {
      requireGoing(signal);
      await copyPlain(copy, join(work, copy.path), copy.sha256 === undefined ? MAX_LOG : undefined);
      // Hash the copy: the original may change in the meantime.
      await requireExact(copy, work);
    }
    await files.writeText(join(work, 'plan.json'), formatPlan(plan, files.sha256Text));
    await writeReports(manifest, work);
    await files.writeText(join(work, 'manifest.json'), formatManifest(manifest, files.sha256Text));
    requireGoing(signal);
    await place(work, dir);
  } finally {
    await files.remove(work);
  }
}

/** Never overwrites a release that has appeared in the meantime. @throws COLLECT_EXISTS */
async function place(work: string, dir: string): Promise<void> {
  await rename(work, dir).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOTEMPTY' || error.code === 'EEXIST' ? existsError(dir) : error;
  });
}

function requireGoing(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted();
}

/** @param folder with the file to check */
async function requireExact({ dir, path, sha256, size }: Copy, folder: string): Promise<void> {
  // A log has no digest, and may be missing.
  if (sha256 === undefined) return;
  const file = await files.plainFile(folder, path);
  await requireSha256(file, {
    sha256,
    ...(size === undefined ? {} : { size }),
    expected: `${join(dir, path)} differs from the file in its manifest`,
    hint: 'Copy the part again from its origin, or rebuild it.',
  });
}
