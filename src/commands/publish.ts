import { basename, dirname, join, resolve } from 'node:path';
import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import { exists, readText, sha256Text } from '../io/files.ts';
import { localStore } from '../io/local-store.ts';
import { shownUrl } from '../io/shown-url.ts';
import { digestOf } from '../manifest/sealed.ts';
import { parseManifest } from '../manifest/store.ts';
import { findTarget } from '../plan/index.ts';
import { verifiedPackages } from '../publish/packages.ts';
import {
  CHANNELS,
  type Channel,
  DESTINATIONS,
  type Destination,
  formatPublishPlan,
  isUpToDate,
  parsePublishPlan,
} from '../publish/plan.ts';
import { type Publication, performPlan, wasInterrupted, withPlanner } from '../publish/publish.ts';
import { expiryWarning, parseFingerprint } from '../publish/signing-key.ts';
import { architecturesOption, type CommonOptions, listOption } from '../run/options.ts';
import { requireIntact } from '../run/outputs.ts';
import { packageVersion } from '../run/recipes.ts';
import { openSession, type Session } from '../run/session.ts';
import type { Output } from '../ui/output.ts';
import { renderAction, renderDestination } from '../ui/publish.ts';
import { findManifest } from './find-manifest.ts';

/** Options of `turnbuild publish` alone. */
export interface PublishOptions extends CommonOptions {
  to?: string[];
  repo?: string;
  signWith?: string;
  channel?: string;
  origin?: string;
  url?: string;
}

/** `turnbuild publish`: plans what a repository lacks, and adds it. */
export async function publish(
  version: string | undefined,
  options: PublishOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal);
  const publication = await publicationOf(session, version, options);
  const given = await givenPlan(options.plan);
  const all = options.verbose === true;
  return withPlanner(publication, async (makePlan) => {
    const { plan, key } = await makePlan();
    for (const destination of plan.destinations)
      for (const line of renderDestination(destination, all)) output.line(line);
    const { accepted } = plan.release;
    if (accepted.length > 0)
      output.line(`warning: checks failed because of accepted advisories: ${accepted.join(', ')}`);
    const warning = expiryWarning(key, Date.now());
    if (warning !== undefined) output.line(`warning: ${warning}`);
    if (options.json === true) output.data(JSON.parse(formatPublishPlan(plan, sha256Text)));
    if (options.dryRun === true) return EXIT.ok;
    const isDone = plan.destinations.every(isUpToDate) && !(await wasInterrupted(publication.dir));
    if (isDone && given === undefined) return EXIT.ok;
    const name = given === undefined ? 'The plan' : (options.plan ?? '');
    const shown = { plan: given ?? plan, name, digest: digestOf(given ?? plan, sha256Text) };
    await performPlan(publication, makePlan, shown, (event) => {
      const line = 'interrupted' in event ? interruptedLine(event.interrupted) : renderAction(event, all);
      if (line !== undefined) output.line(line);
    });
    output.line(`Published coturn ${plan.release.packageVersion}.`);
    return EXIT.ok;
  });
}

const interruptedLine = (at: string) => `The run of ${at} was interrupted; this one finishes it.`;

async function publicationOf(
  session: Session,
  version: string | undefined,
  options: PublishOptions,
): Promise<Publication> {
  const { io, recipes } = session;
  const destinations = destinationsOption(options.to);
  const repo = required('repo', options.repo, 'the folder of the repository');
  const fingerprint = parseFingerprint(required('sign-with', options.signWith, 'the fingerprint of a key'));
  const channel = channelOption(options.channel);
  const url = urlOption(options.url);
  const file = await findManifest(await releaseFolder(version, session.options.out ?? 'dist'));
  const manifest = parseManifest(file, await readText(file), sha256Text);
  const dir = dirname(file);
  const targets = listOption(options.target);
  for (const name of targets ?? []) findTarget(name, recipes.targets);
  const groups = verifiedPackages(manifest, {
    targets,
    architectures: architecturesOption(options.arch),
  });
  for (const { id, files } of groups) await requireIntact(id, files, { dir });
  const suites = new Map(
    groups.map(({ target }) => [target, findTarget(target, recipes.targets).suite ?? '']),
  );
  return {
    destinations,
    dir,
    release: {
      coturn: manifest.coturn.version,
      packageVersion: manifest.packageVersion,
      manifest: digestOf(manifest, sha256Text),
      accepted: [...new Set(groups.flatMap(({ accepted }) => accepted))].sort(),
    },
    groups,
    store: localStore(resolve(repo)),
    channel,
    fingerprint,
    origin: options.origin ?? 'turnbuild',
    url,
    suiteOf: (target) => suites.get(target) ?? '',
    turnbuild: await packageVersion(),
    exec: io.exec,
    signal: io.signal,
  };
}

function destinationsOption(words: string[] | undefined): Destination['to'][] {
  const names = listOption(words) ?? [];
  const known = `Known: ${DESTINATIONS.join(', ')}.`;
  const unknown = names.find((name) => !DESTINATIONS.some((each) => each === name));
  if (unknown !== undefined)
    throw usageError('OPTION_INVALID', `Unknown destination "${unknown}" in --to`, known);
  if (names.length === 0) throw usageError('ARGUMENT_MISSING', '--to is missing: where to publish', known);
  return DESTINATIONS.filter((each) => names.includes(each));
}

function required(name: string, value: string | undefined, what: string): string {
  if (value !== undefined && value !== '') return value;
  throw usageError('ARGUMENT_MISSING', `--${name} is missing: ${what}`);
}

function channelOption(word: string = 'testing'): Channel {
  const found = CHANNELS.find((channel) => channel === word);
  if (found !== undefined) return found;
  throw usageError('OPTION_INVALID', `Unknown channel "${word}"`, `Known: ${CHANNELS.join(', ')}.`);
}

function urlOption(word: string | undefined): string | undefined {
  if (word === undefined) return undefined;
  const url = URL.canParse(word) ? new URL(word) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.search + url.hash === '')
    return word.replace(/\/+$/, '');
  throw usageError(
    'OPTION_INVALID',
    `Invalid --url "${shownUrl(word)}": expected an http or https URL without a user, query or fragment`,
  );
}

/** A version's folder among the results, or the given path. */
async function releaseFolder(version: string | undefined, out: string): Promise<string> {
  if (version === undefined) return out;
  const own = join(out, version);
  return (await exists(own)) ? own : version;
}

async function givenPlan(file: string | undefined) {
  if (file === undefined) return undefined;
  if (!(await exists(file))) throw new TurnbuildError('FILE_ERROR', `File not found: ${file}`);
  return parsePublishPlan(basename(file), await readText(file), sha256Text);
}
