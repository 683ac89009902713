import { basename } from 'node:path';
import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import { exists, readBytes, readText, sha256Text } from '../io/files.ts';
import { readToken } from '../io/github/access.ts';
import { type GithubReleases, githubReleases } from '../io/github/releases.ts';
import { givenKey, withGivenKey } from '../io/gpg-home.ts';
import { openStore } from '../io/open-store.ts';
import { shownUrl } from '../io/shown-url.ts';
import type { Store } from '../io/store.ts';
import { digestOf } from '../manifest/sealed.ts';
import { type PageFacts, rowAttributes } from '../publish/page.ts';
import {
  CHANNELS,
  type Channel,
  DESTINATIONS,
  type Destination,
  formatPublishPlan,
  isUpToDate,
  type PublishAction,
  parsePublishPlan,
  requirePlanned,
} from '../publish/plan.ts';
import {
  type Interruption,
  type Note,
  type Publication,
  performPlan,
  wasInterrupted,
  withPlanner,
} from '../publish/publish.ts';
import { expiryWarning, parseFingerprint } from '../publish/signing-key.ts';
import { type CommonOptions, countOption, listOption } from '../run/options.ts';
import { packageVersion } from '../run/recipes.ts';
import type { Session } from '../run/session.ts';
import { renderAction, renderDestination } from '../ui/publish.ts';
import { renderRepositoryPage } from '../ui/repository-page.ts';

/** Options of commands that change a repository. */
export interface RepositoryOptions extends CommonOptions {
  to?: string[];
  repo?: string;
  githubRepo?: string;
  signWith?: string;
  extraKeys?: string;
  origin?: string;
  validFor?: string;
  url?: string;
}

/** A repository to change, and how it is signed. */
export type Repository = Omit<Publication, 'changes' | 'head' | 'dir'>;

/**
 * Provides the repository named by the options or the project. The key is gpg's own, or that of TURNBUILD_SIGNING_KEY or TURNBUILD_SIGNING_KEY_FILE.
 * @throws ARGUMENT_MISSING, OPTION_INVALID, SIGNING_KEY_INVALID, and the errors of the repository's service
 */
export async function withRepository(
  session: Session,
  options: RepositoryOptions,
  use: (repository: Repository) => Promise<number>,
): Promise<number> {
  return withDestinations(session, options, destinationsOption(options.to ?? session.publish.to), use);
}

/**
 * Provides the repository without GitHub, for a command that does not concern it. So it needs no token.
 * @throws OPTION_INVALID if GitHub is the only destination, and the errors of withRepository
 */
export async function withStore(
  session: Session,
  options: RepositoryOptions,
  verb: string,
  use: (repository: Repository & { store: Store }) => Promise<number>,
): Promise<number> {
  const destinations = destinationsOption(options.to ?? session.publish.to).filter((to) => to !== 'github');
  if (destinations.length === 0)
    throw usageError('OPTION_INVALID', `${verb} changes apt and dnf repositories only`, 'Pass --to apt,dnf.');
  return withDestinations(session, options, destinations, (repository) => {
    if (repository.store === undefined) throw new Error('The store is not opened');
    return use({ ...repository, store: repository.store });
  });
}

async function withDestinations(
  session: Session,
  options: RepositoryOptions,
  destinations: readonly Destination['to'][],
  use: (repository: Repository) => Promise<number>,
): Promise<number> {
  const { io, cache, publish } = session;
  const hasStore = destinations.some((each) => each !== 'github');
  const repo = () => required('repo', options.repo ?? publish.repo, 'the folder or bucket of the repository');
  const url = urlOption(options.url ?? publish.url);
  const word = options.signWith ?? publish.signWith;
  const fingerprint = word === undefined ? undefined : parseFingerprint(word);
  const repository = {
    destinations,
    store: hasStore ? await openStore(repo(), io.signal) : undefined,
    github: destinations.includes('github') ? await openGithub(session, options.githubRepo) : undefined,
    extraKeys: await extraKeysOption(options.extraKeys ?? publish.extraKeys),
    origin: originOption(options.origin ?? publish.origin),
    validFor: countOption('valid-for', options.validFor) ?? publish.validFor,
    url,
    turnbuild: await packageVersion(),
    cache,
    renderPage: (facts: PageFacts) => renderRepositoryPage(facts, rowAttributes),
    signal: io.signal,
  };
  const given = await givenKey();
  if (given === undefined)
    return use({
      ...repository,
      exec: io.exec,
      // Only GitHub does not require a signature.
      fingerprint: hasStore ? required('sign-with', fingerprint, 'the fingerprint of a key') : fingerprint,
    });
  return withGivenKey(io.exec, given, (exec, own) =>
    use({ ...repository, exec, fingerprint: fingerprint ?? own }),
  );
}

/** Plans a change of a repository, shows the plan and performs it. @param done the last line @returns the exit code */
export async function changeRepository(
  { output, options: { plan: file, verbose: all = false, json, dryRun } }: Session,
  publication: Publication,
  done: string,
): Promise<number> {
  const given = await givenPlan(file);
  return withPlanner(publication, async (makePlan) => {
    const { plan, key, jobs } = await makePlan();
    for (const { destination, offers } of jobs)
      for (const line of renderDestination(destination, offers, all)) output.line(line);
    if (plan.accepted.length > 0)
      output.line(`warning: checks failed because of accepted advisories: ${plan.accepted.join(', ')}`);
    for (const note of new Set(jobs.flatMap(({ notes }) => notes))) output.line(`note: ${note}`);
    const warning = key === undefined ? undefined : expiryWarning(key, Date.now());
    if (warning !== undefined) output.line(`warning: ${warning}`);
    if (json === true) output.data(JSON.parse(formatPublishPlan(plan, sha256Text)));
    if (given !== undefined) requirePlanned(given, plan, basename(file ?? ''));
    if (dryRun === true) return EXIT.ok;
    const isDone = plan.destinations.every(isUpToDate) && !(await wasInterrupted(publication));
    if (isDone && given === undefined) return EXIT.ok;
    const shown = {
      plan: given ?? plan,
      file: given === undefined ? undefined : basename(file ?? ''),
      digest: digestOf(given ?? plan, sha256Text),
    };
    output.line('Making these changes:');
    await performPlan(publication, makePlan, shown, (event) => {
      const line = lineOf(event, all);
      if (line !== undefined) output.line(line);
    });
    output.line(done);
    return EXIT.ok;
  });
}

function lineOf(event: Interruption | PublishAction | Note, all: boolean): string | undefined {
  if ('note' in event) return `note: ${event.note}`;
  return 'interrupted' in event ? interruptedLine(event) : renderAction(event, all);
}

const interruptedLine = ({ interrupted, at, isThis }: Interruption) =>
  isThis
    ? `The run of ${at} was interrupted; this one finishes it.`
    : `warning: An earlier run was interrupted (${at}): ${interrupted}. To finish it, run it again.`;

/**
 * Opens the repository whose releases are changed.
 * @throws ARGUMENT_MISSING, OPTION_INVALID, GITHUB_TOKEN_MISSING, GITHUB_TOKEN_MALFORMED, GITHUB_API_INVALID, GITHUB_INSECURE
 */
async function openGithub(
  { io, output, publish }: Session,
  option: string | undefined,
): Promise<GithubReleases> {
  const { GITHUB_REPOSITORY, GITHUB_SHA, GITHUB_TOKEN, GH_TOKEN } = process.env;
  const { owner, name, api } = githubName(option ?? publish.github);
  const token = readToken(GITHUB_TOKEN) ?? readToken(GH_TOKEN, 'GH_TOKEN');
  if (token === undefined)
    throw usageError(
      'GITHUB_TOKEN_MISSING',
      `Publishing to GitHub needs a token that may write to ${owner}/${name}`,
      'Set GITHUB_TOKEN, or GH_TOKEN. In a workflow: `permissions: contents: write`.',
    );
  // In a workflow: the commit whose recipes built the release. Names of repositories are not case-sensitive.
  const isOwn = GITHUB_REPOSITORY?.toLowerCase() === `${owner}/${name}`.toLowerCase();
  const commit = isOwn && GITHUB_SHA ? GITHUB_SHA : undefined;
  return githubReleases({ owner, name, api, token, commit, signal: io.signal, tell: output.line });
}

/** The repository on GitHub that is named by an option, the project, or the workflow. @throws ARGUMENT_MISSING, OPTION_INVALID */
export function githubName(option: string | undefined): { owner: string; name: string; api: string } {
  const { GITHUB_REPOSITORY, GITHUB_API_URL } = process.env;
  const word = required('github-repo', option ?? GITHUB_REPOSITORY, 'the repository on GitHub, OWNER/NAME');
  const [, owner, name] = /^([\w.-]+)\/([\w.-]+)$/.exec(word) ?? [];
  if (owner === undefined || name === undefined)
    throw usageError('OPTION_INVALID', `Invalid --github-repo "${shownUrl(word)}": expected OWNER/NAME`);
  return { owner, name, api: GITHUB_API_URL || 'https://api.github.com' };
}

/** @throws OPTION_INVALID, ARGUMENT_MISSING */
export function destinationsOption(words: string[] | undefined): Destination['to'][] {
  const names = listOption(words) ?? [];
  const known = `Known: ${DESTINATIONS.join(', ')}.`;
  const unknown = names.find((name) => !DESTINATIONS.some((each) => each === name));
  if (unknown !== undefined)
    throw usageError('OPTION_INVALID', `Unknown destination "${unknown}" in --to`, known);
  if (names.length === 0) throw usageError('ARGUMENT_MISSING', '--to is missing: where to publish', known);
  return DESTINATIONS.filter((each) => names.includes(each));
}

function required(name: string, value: string | undefined, what: string): string {
  if (value !== undefined && value.trim() !== '') return value;
  throw usageError(
    'ARGUMENT_MISSING',
    `--${name} is missing: ${what}`,
    'Pass it, or write it under `publish` in turnbuild.yaml: docs/publishing.md.',
  );
}

/** @throws FILE_ERROR */
async function extraKeysOption(file: string | undefined): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined;
  if (!(await exists(file))) throw new TurnbuildError('FILE_ERROR', `File not found: ${file} (--extra-keys)`);
  return readBytes(file);
}

function originOption(word: string | undefined): string | undefined {
  if (word === undefined || /^[\w.+-]+(?: [\w.+-]+)*$/.test(word)) return word;
  throw usageError(
    'OPTION_INVALID',
    'Invalid --origin: expected words of letters, digits, dots, hyphens, underscores and plus signs',
  );
}

/** @throws OPTION_INVALID */
export function channelOption(word: string): Channel {
  const found = CHANNELS.find((channel) => channel === word);
  if (found !== undefined) return found;
  throw usageError('OPTION_INVALID', `Unknown channel "${word}"`, `Known: ${CHANNELS.join(', ')}.`);
}

/** @throws OPTION_INVALID */
export function urlOption(word: string | undefined): string | undefined {
  if (word === undefined) return undefined;
  // Clients copy it into files in which spaces and dollars have a meaning.
  const url = /^[^\s?#@$]+$/.test(word) && URL.canParse(word) ? new URL(word) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  throw usageError(
    'OPTION_INVALID',
    `Invalid --url "${shownUrl(word)}": expected an http or https URL without a password, query, fragment, space or $`,
  );
}

/** The plan in a file. @throws FILE_ERROR, PLAN_INVALID */
export async function givenPlan(file: string | undefined) {
  if (file === undefined) return undefined;
  if (!(await exists(file))) throw new TurnbuildError('FILE_ERROR', `File not found: ${file}`);
  return parsePublishPlan(basename(file), await readText(file), sha256Text);
}
