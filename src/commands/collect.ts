import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import * as files from '../io/files.ts';
import { lockFolder } from '../io/folder-lock.ts';
import { removeLeftovers, temporaryName } from '../io/leftovers.ts';
import { type Merged, mergeManifests, type Part } from '../manifest/merge.ts';
import type { Manifest } from '../manifest/schema.ts';
import { formatManifest, parseManifest } from '../manifest/store.ts';
import { formatPlan, type PlanDocument, parsePlan, planDigest } from '../plan/document.ts';
import { plural } from '../ui/format.ts';
import { renderSummary } from '../ui/summary.ts';
import type { CommonOptions } from './options.ts';
import type { Output } from './output.ts';
import { writeReports } from './reports.ts';
import { isCapable } from './session.ts';

/** A part, and where it lies. */
interface FoundPart extends Part {
  dir: string;
}

/**
 * `turnbuild collect`: puts together what several machines have made of one plan. Everything is read, hashed and compared first; the
 * release appears whole or not at all. Exit code 1 if a step of it has failed.
 */
export async function collect(
  names: readonly string[],
  options: Pick<CommonOptions, 'out' | 'json' | 'dryRun'>,
  output: Output,
): Promise<number> {
  const parts = await Promise.all(names.map(readPart));
  const plan = await planOf(parts);
  const merged = mergeManifests(parts, { digest: planDigest(plan, files.sha256Text), steps: plan.steps });
  const out = resolve(options.out ?? 'dist');
  const dir = join(out, merged.manifest.coturn.version);
  if (await files.exists(dir)) {
    throw usageError(
      'COLLECT_EXISTS',
      `${dir} is there already`,
      'Remove it, or name another folder with --out.',
    );
  }
  if (options.dryRun === true) {
    for (const { dir: from } of parts) output.line(`collect ${from} -> ${dir}`);
    return EXIT.ok;
  }
  const lock = await lockFolder(out);
  try {
    await assemble(merged, { parts, plan, dir });
  } finally {
    await lock.release();
  }
  return conclude(merged.manifest, { dir, parts, options, output });
}

async function readPart(name: string): Promise<FoundPart> {
  const dir = await releaseFolder(name);
  const file = join(dir, 'manifest.json');
  const manifest = parseManifest(file, await files.readText(file), files.sha256Text);
  return { name, dir, manifest };
}

/** The folder of a release: this one, or the only one in it. */
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
    first === undefined ? `There is no manifest.json in ${dir}` : `${dir} has more than one release in it`,
    'Name the folder that `turnbuild release --plan plan.json` has made, e.g. dist/4.18.0.',
  );
}

async function planOf(parts: readonly FoundPart[]): Promise<PlanDocument> {
  const [first] = parts;
  if (first === undefined)
    throw usageError('ARGUMENT_MISSING', 'There is nothing to collect', 'Name the folders of the parts.');
  const file = join(first.dir, 'plan.json');
  if (first.manifest.plan === undefined || !(await files.exists(file))) {
    throw new TurnbuildError('PLAN_MISSING', `${first.dir} has no plan.json`, {
      hint: 'Parts are made with: turnbuild release --plan plan.json --target T --arch A',
    });
  }
  return parsePlan(file, await files.readText(file), files.sha256Text);
}

/** Makes the whole release beside its place, then puts it there. */
async function assemble(
  { manifest, origins }: Merged,
  { parts, plan, dir }: { parts: readonly FoundPart[]; plan: PlanDocument; dir: string },
): Promise<void> {
  await removeLeftovers(dir);
  const work = temporaryName(dir);
  await files.remove(work);
  try {
    for (const step of manifest.steps) {
      const from = parts.find(({ name }) => name === origins.get(step.id)?.name)?.dir ?? '';
      for (const output of step.outputs) await copyOutput({ dir: from, ...output }, work);
      const log = step.log === undefined ? undefined : await files.plainFile(from, step.log);
      if (step.log !== undefined && log !== undefined) await files.copyInto(log, join(work, step.log));
    }
    await files.writeText(join(work, 'plan.json'), formatPlan(plan, files.sha256Text));
    await writeReports(manifest, work);
    await files.writeText(join(work, 'manifest.json'), formatManifest(manifest, files.sha256Text));
    await files.moveInto(work, dir);
  } finally {
    await files.remove(work);
  }
}

async function copyOutput(
  output: { dir: string; path: string; sha256: string },
  work: string,
): Promise<void> {
  const from = await files.plainFile(output.dir, output.path);
  const copy = join(work, output.path);
  if (from !== undefined) await files.copyInto(from, copy);
  // What is hashed is the copy, which nobody else can change.
  const found = from === undefined ? 'missing' : await files.sha256File(copy);
  if (found === output.sha256) return;
  throw new TurnbuildError(
    'ARTIFACT_CHANGED',
    `${join(output.dir, output.path)} is not the file in its manifest: sha256 ${found}, recorded ${output.sha256}`,
    { hint: 'Copy the part again from where it was made, or make it again.' },
  );
}

function conclude(
  manifest: Manifest,
  {
    dir,
    parts,
    options,
    output,
  }: {
    dir: string;
    parts: readonly Part[];
    options: Pick<CommonOptions, 'json'>;
    output: Output;
  },
): number {
  if (options.json === true) output.data(manifest);
  else {
    output.line(
      `${plural(parts.length, 'part')}: ${plural(manifest.steps.length, 'step')}, every file as its manifest has it`,
    );
    const color = isCapable(process.stdout, process.env);
    output.line(renderSummary(manifest, { dir, columns: color ? process.stdout.columns : 100, color }));
  }
  return manifest.steps.every(({ status }) => status === 'done') ? EXIT.ok : EXIT.failed;
}
