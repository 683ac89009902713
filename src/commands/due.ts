import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import { appendGithubFile } from '../io/github-output-file.ts';
import {
  type AskedRelease,
  type Due,
  decideAsked,
  decideDue,
  isNewerVersion,
  parseAsked,
} from '../plan/due.ts';
import { githubOutput } from '../plan/github-output.ts';
import { askedReleases, knownReleases, newestIn } from '../publish/known.ts';
import { type PublishedReleases, releaseName } from '../publish/published.ts';
import { quarantineOf } from '../recipe/advisories.ts';
import { librariesNow } from '../run/libraries.ts';
import type { CommonOptions } from '../run/options.ts';
import { assumedRevision } from '../run/revision.ts';
import { isCapable, openSession, type Session } from '../run/session.ts';
import { selectedVersions } from '../sources/choice.ts';
import { wrap } from '../ui/format.ts';
import type { Output } from '../ui/output.ts';
import { openPublished, type PlaceOptions } from './due-place.ts';
import { channelOption } from './repository.ts';

/** Options of `turnbuild due`. */
export interface DueOptions extends CommonOptions, PlaceOptions {
  channel?: string;
  githubOutput?: string;
}

/** `turnbuild due`: says whether a release must be built: one that was asked for, a new coturn, or a rebuild for outdated libraries. */
export async function due(
  word: string | undefined,
  options: DueOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const asked = word === undefined || word === '' ? undefined : parseAsked(word);
  const session = await openSession(options, output, signal, 'release');
  const found = await decide(session, asked, options);
  const isTerminal = isCapable(process.stdout, process.env);
  for (const text of [found.reason, found.next])
    if (text !== '')
      for (const line of isTerminal ? wrap(text, process.stdout.columns) : [text]) output.line(line);
  if (options.json === true) output.data(found);
  if (options.githubOutput !== undefined)
    await appendGithubFile(options.githubOutput, githubOutput({ ...found }));
  return EXIT.ok;
}

async function decide(session: Session, asked: AskedRelease | undefined, options: DueOptions): Promise<Due> {
  const channel = channelOption(options.channel ?? 'testing');
  const firstRevision = assumedRevision(session);
  const place = await openPublished(session, options).catch((error: unknown) => {
    // A requested release does not depend on what is published.
    if (asked !== undefined && error instanceof TurnbuildError && error.code === 'ARGUMENT_MISSING')
      return undefined;
    throw error;
  });
  if (asked !== undefined) {
    const known = place === undefined ? [] : await askedReleases(asked, firstRevision, place);
    return withDraft(decideAsked(asked, { known, firstRevision }), place);
  }
  if (place === undefined)
    throw usageError(
      'ARGUMENT_MISSING',
      '--url is missing: needed to find out what is published',
      'Pass it, or write it under `publish` in turnbuild.yaml: docs/publishing.md. For a folder or bucket: --repo. For GitHub Releases: --to github.',
    );
  const newest = await newestIn(channel, place);
  const manifest = await newest?.manifest();
  const provider = session.options.source ?? (manifest?.source?.provider === 'debian' ? 'debian' : 'github');
  if (provider !== 'github' && provider !== 'debian')
    throw usageError('OPTION_INVALID', `Invalid --source "${provider}": expected github or debian`);
  const range = session.coturn ?? 'latest';
  const { selected, newest: offered } = await selectedVersions(session, provider, range);
  const quarantine = (version: string) => quarantineOf(version, session.recipes.quarantine)?.reason;
  const upstream = selected.map((version) => ({ version, quarantine: quarantine(version) }));
  const floor = [...selected.slice(0, 1), ...(newest === undefined ? [] : [newest.version])];
  const isUnselected = floor.every((version) => isNewerVersion(offered, version));
  const known = await knownReleases({ upstream, published: newest, firstRevision }, place);
  const decision = decideDue({
    ...{ channel, published: newest, known, upstream, firstRevision },
    quarantine: newest === undefined ? undefined : quarantine(newest.version),
    unselected: isUnselected ? { version: offered, range } : undefined,
  });
  if ('due' in decision) return withDraft(decision, place);
  const of = (await place.find(releaseName(decision.of.version, decision.of.revision))) ?? newest;
  const built = (await of?.manifest()) ?? manifest;
  if (built === undefined)
    throw new TurnbuildError(
      'RECORD_MISSING',
      `${newest?.release} in ${place.where} has no manifest.json, so its libraries can't be compared`,
      { hint: 'Add the one of its build to the release. To build a certain release: turnbuild due VERSION.' },
    );
  return withDraft(decision.decide(await librariesNow(session, built)), place);
}

/** Says what to do about a draft that an interrupted run may have left. Its build is another one, so publishing would refuse it. */
function withDraft(found: Due, place: PublishedReleases | undefined): Due {
  const { due: isDue, version, revision } = found;
  if (!isDue || version === null || revision === null) return found;
  const draft = place?.draftOf(releaseName(version, revision));
  if (draft === undefined) return found;
  return {
    ...found,
    next: `A draft of it exists: ${draft}. If no other run is publishing it, delete it; otherwise publishing this build fails.`,
  };
}
