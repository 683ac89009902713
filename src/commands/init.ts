import { isAbsolute, join, relative } from 'node:path';
import { EXIT, usageError } from '../errors.ts';
import { exists, writeText } from '../io/files.ts';
import { findTarget } from '../plan/index.ts';
import { quarantineOf } from '../recipe/advisories.ts';
import { withoutPrefix } from '../recipe/coturn-version.ts';
import { formatProject } from '../recipe/project.ts';
import { architecturesOption, type CommonOptions, listOption, maintainerOption } from '../run/options.ts';
import { LOCK_NAME, PROJECT_NAME } from '../run/project.ts';
import { LOCK, loadRecipes, packageRoot, packageVersion, type Recipes } from '../run/recipes.ts';
import { isCapable } from '../run/session.ts';
import { isExact, requireRequest } from '../sources/choice.ts';
import type { SourceLock } from '../sources/lock.ts';
import { formatLock, readLock, writeLock } from '../sources/lock-file.ts';
import type { Output } from '../ui/output.ts';
import type { InitSettings } from './init-questions.ts';

export interface InitOptions
  extends Pick<CommonOptions, 'target' | 'arch' | 'maintainer' | 'json' | 'dryRun'> {
  coturn?: string;
  yes?: boolean;
}

/** Output of `turnbuild init --json`. */
export interface Initialised {
  file: string;
  lock: string;
  settings: InitSettings;
  /** A job for GitHub Actions. */
  ci: string[];
  /** Why `release` refuses the version, if it is quarantined. */
  quarantined?: string;
  /** The command to run next. */
  next: string;
}

/** `turnbuild init`: creates a project in the working directory. */
export async function init(
  _: undefined,
  options: InitOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const [file, lock] = [join(process.cwd(), PROJECT_NAME), join(process.cwd(), LOCK_NAME)];
  if (await exists(file))
    throw usageError('PROJECT_EXISTS', `${file} already exists`, 'Edit it, or remove it first.');
  const recipes = await loadRecipes();
  const settings = await settingsOf(options, recipes, signal);
  const text = formatProject({ ...settings, revision: recipes.release.revision }, await schemaAddress());
  // A lock file that --update-lock wrote before the project existed has valid pins.
  const hasLock = await exists(lock);
  const pins = hasLock ? await readLock(lock) : await firstPins(settings.coturn, recipes);
  if (options.dryRun !== true) {
    if (!hasLock) await writeLock(lock, pins);
    await writeText(file, text);
  }
  const isPinned = pins.sources[settings.coturn] !== undefined;
  const quarantine = isExact(settings.coturn) ? quarantineOf(settings.coturn, recipes.quarantine) : undefined;
  const done: Initialised = {
    ...{ file, lock, settings },
    ci: ciJob(await packageVersion()),
    ...(quarantine === undefined ? {} : { quarantined: quarantine.reason }),
    next: isPinned ? 'npx turnbuild release' : 'npx turnbuild source --update-lock',
  };
  if (options.json === true) output.data(done);
  else
    for (const line of described(done, { text, pins, hasLock, dryRun: options.dryRun === true }))
      output.line(line);
  return EXIT.ok;
}

async function settingsOf(
  options: InitOptions,
  recipes: Recipes,
  signal: AbortSignal,
): Promise<InitSettings> {
  const { release } = recipes;
  const given: Partial<InitSettings> = {};
  if (options.coturn !== undefined) {
    given.coturn = withoutPrefix(options.coturn);
    await requireRequest(given.coturn);
  }
  const targets = listOption(options.target)?.map((name) => findTarget(name, recipes.targets).name);
  if (targets !== undefined) given.targets = targets;
  const architectures = architecturesOption(options.arch);
  if (architectures !== undefined) given.architectures = architectures;
  const maintainer = maintainerOption(options.maintainer);
  if (maintainer !== undefined) given.maintainer = maintainer;
  const usual = {
    ...{ coturn: 'latest', targets: release.targets, architectures: release.architectures },
    ...given,
  };
  if (options.yes === true || options.json === true || !canAsk()) return usual;
  const { askSettings } = await import('./init-questions.ts');
  return askSettings(given, usual, { recipes, signal });
}

function canAsk(): boolean {
  return process.stdin.isTTY && process.env.CI !== 'true' && isCapable(process.stdout, process.env);
}

/** A lock file with the built-in pin of the version, if there is one. It then takes precedence over the built-in one. */
async function firstPins(coturn: string, { dir }: Recipes): Promise<SourceLock> {
  const { schema, sources } = await readLock(join(dir, LOCK));
  const pin = sources[coturn];
  return { schema, sources: pin === undefined ? {} : { [coturn]: pin } };
}

const SCHEMA = 'schemas/project.schema.json';
const REPOSITORY = 'turnbuild/turnbuild';

/** The schema's path within the project if turnbuild is installed there, otherwise its URL for this version. */
async function schemaAddress(): Promise<string> {
  const path = relative(process.cwd(), join(await packageRoot(), SCHEMA));
  const isInside = !path.startsWith('..') && !isAbsolute(path);
  return isInside
    ? path
    : `https://raw.githubusercontent.com/${REPOSITORY}/v${await packageVersion()}/${SCHEMA}`;
}

/** A job for GitHub Actions, which builds and verifies what turnbuild.yaml says. */
function ciJob(version: string): string[] {
  return [
    'packages:',
    `  uses: ${REPOSITORY}/.github/workflows/pipeline.yml@v${version}`,
    '  permissions: { contents: write, id-token: write }',
  ];
}

function described(
  { file, lock, settings, ci, quarantined, next }: Initialised,
  { text, pins, hasLock, dryRun }: { text: string; pins: SourceLock; hasLock: boolean; dryRun: boolean },
): string[] {
  const content = (of: string) =>
    of
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`);
  const files = dryRun
    ? [`${file}:`, ...content(text), ...(hasLock ? [] : [`${lock}:`, ...content(formatLock(pins))])]
    : [`Wrote ${file}`, ...(hasLock ? [] : [`Wrote ${lock}`])];
  return [
    ...files,
    ...(hasLock ? [`Kept ${lock}`] : []),
    '',
    'A job for GitHub Actions (docs/github-actions.md has complete workflows):',
    '',
    ...ci.map((line) => `  ${line}`),
    '',
    ...(quarantined === undefined
      ? []
      : [`warning: \`release\` refuses coturn ${settings.coturn}. ${quarantined} Choose another version.`]),
    `Next: ${next}`,
  ];
}
