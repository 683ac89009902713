import { basename, dirname, join, resolve } from 'node:path';
import { usageError } from '../errors.ts';
import { readDebControl } from '../io/deb-file.ts';
import { runProcess } from '../io/exec.ts';
import * as files from '../io/files.ts';
import type { ManifestStep } from '../manifest/schema.ts';
import { findTarget } from '../plan/index.ts';
import { describePackage, type PackageFile, planPackageFile } from '../plan/package-file.ts';
import { debFileName } from '../plan/package-version.ts';
import { platformOf } from '../plan/platforms.ts';
import { type CommonOptions, givenFlags, listOption, type OptionName } from './options.ts';
import { chosenChecks, keysOf, makePlan, withImages } from './planning.ts';
import { readyBuilder } from './ready-builder.ts';
import type { PlannedRelease, Session } from './session.ts';
import type { ManifestStore } from './step.ts';

/** A package file with the plan to verify it. */
export interface PlannedFile {
  release: PlannedRelease;
  described: PackageFile;
  /** Copies the package into the results' folder and records it in the manifest. */
  adopt: (store: ManifestStore) => Promise<void>;
}

/**
 * Plans the verification of a package file. Includes a coturn-dbgsym of the same version in the same folder.
 * @throws OPTION_CONFLICT, ARGUMENT_INVALID, PACKAGE_FORMAT_UNKNOWN, DEB_NOT_FOUND, DEB_INVALID, PACKAGE_NOT_COTURN, PACKAGE_ARCH_UNKNOWN,
 *   PACKAGE_TARGET_UNKNOWN, PACKAGE_FOREIGN
 */
export async function planFile(
  session: Session,
  file: string,
  { perform }: { perform: boolean },
): Promise<PlannedFile> {
  const { options, recipes } = session;
  requireOwnOptions(options);
  const names = listOption(options.target) ?? [];
  if (names.length > 1 || options.arch !== undefined)
    throw usageError(
      'OPTION_INVALID',
      'A package has one target and one architecture: pass at most one --target, and no --arch',
    );
  const wanted = names[0] === undefined ? undefined : findTarget(names[0], recipes.targets);
  if (file.endsWith('.rpm')) {
    throw usageError(
      'PACKAGE_FORMAT_UNKNOWN',
      `${file} is an .rpm; turnbuild can verify only single .deb files`,
      'Verify the .rpm files of turnbuild with `turnbuild verify VERSION --target portable`.',
    );
  }
  const stem = resultsName(file);
  const control = await readDebControl(file, runProcess);
  const described = describePackage(file, control, { targets: recipes.targets, wanted });
  const { version, packageVersion, arch, target } = described;
  const selection = chosenChecks(session);
  const builder = await readyBuilder(session, { architectures: [arch], runs: true, verifies: true, perform });
  const chosen = {
    targets: [target.name],
    architectures: [arch],
    compilesOn: builder.compilesOn,
    verify: true,
    selection,
    full: options.full === true,
    rebuild: [],
  };
  const choices = await withImages(session, chosen, builder);
  const symbols = debFileName('coturn-dbgsym', packageVersion.replace(/^\d+:/, ''), platformOf(arch).debian);
  const packages = [
    basename(file),
    ...((await files.plainFile(dirname(file), symbols)) === undefined ? [] : [symbols]),
  ];
  const plan = planPackageFile(
    makePlan(session, choices, {
      coturn: { version, epoch: 0, revision: 1 },
      maintainer: recipes.release.maintainer,
    }),
    described,
    packages,
  );
  const dir = resolve(options.out ?? 'dist', 'verified', stem);
  return {
    described,
    release: {
      source: undefined,
      selection,
      full: choices.full,
      builder,
      plan,
      keys: await keysOf(session, plan, choices),
      document: undefined,
      rebuild: new Set(),
      dir,
    },
    adopt: (store) => adopt(store, { file, dir, packages, described }),
  };
}

/** Name of a package's results folder in `verified/`: the file's name without its extension. */
function resultsName(file: string): string {
  const stem = basename(file, '.deb');
  if (
    !['', '.', '..'].includes(stem) &&
    !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u.test(stem)
  )
    return stem;
  throw usageError(
    'ARGUMENT_INVALID',
    `The package's file name ${JSON.stringify(basename(file))} cannot be used as the name of its results folder`,
    'Rename it.',
  );
}

/** Whether an option concerns sources or building, and so has no effect on a package file. */
const OF_SOURCES: Readonly<Record<OptionName, boolean>> = {
  revision: true,
  maintainer: true,
  source: true,
  sha256: true,
  updateLock: true,
  lock: true,
  allowQuarantined: true,
  verifyOn: true,
  plan: true,
  native: true,
  ...{ cacheFrom: true, cacheTo: true },
  ...{ cloud: true, size: true, ssh: true, boot: true, extraPackage: true, extraPackageKey: true },
  // A package has one architecture and one target; --target may name the target.
  ...{ arch: false, target: false },
  ...{ only: false, skip: false, reason: false, accept: false, full: false, verify: false },
  ...{ builder: false, jobs: false, cache: false, roots: false, refreshBase: false },
  ...{ mirror: false, recipes: false },
  ...{ out: false, dryRun: false, json: false, verbose: false },
};

function requireOwnOptions(options: CommonOptions): void {
  const flags = givenFlags(options, OF_SOURCES);
  if (flags.length === 0) return;
  throw usageError(
    'OPTION_CONFLICT',
    `${flags.join(', ')} cannot be used with a package file`,
    'Remove the option, or verify a version.',
  );
}

async function adopt(
  store: ManifestStore,
  {
    file,
    dir,
    packages,
    described,
  }: { file: string; dir: string; packages: string[]; described: PackageFile },
): Promise<void> {
  const { arch } = described;
  const target = described.target.name;
  const outputs: ManifestStep['outputs'] = [];
  for (const [index, path] of packages.entries()) {
    const to = join(dir, path);
    await files.copyInto(join(dirname(file), path), to);
    const [size, sha256] = [await files.sizeOf(to), await files.sha256File(to)];
    outputs.push({ path, kind: index === 0 ? 'deb' : 'deb-dbgsym', size, sha256, target, arch });
  }
  const key = files.sha256Text(JSON.stringify(outputs));
  const id = `package:${target}:${arch}`;
  await store.record({
    ...{ id, stage: 'package', key, status: 'done', seconds: 0, outputs, target, arch },
    inputs: [],
    bases: {},
  });
}
