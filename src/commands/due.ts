import { resolve } from 'node:path';
import { EXIT, TurnbuildError, usageError } from '../errors.ts';
import { exists, sha256Text } from '../io/files.ts';
import { appendGithubFile } from '../io/github-output-file.ts';
import { localStore } from '../io/local-store.ts';
import { isAddress } from '../io/open-store.ts';
import { readPublished } from '../io/published-file.ts';
import { shownUrl } from '../io/shown-url.ts';
import type { Manifest } from '../manifest/schema.ts';
import { parseManifest } from '../manifest/store.ts';
import { type Due, decideDue, parseAsked } from '../plan/due.ts';
import { githubOutput } from '../plan/github-output.ts';
import { KEY_FILE } from '../publish/key-file.ts';
import { CHANNELS } from '../publish/plan.ts';
import { MAX_RECORD_BYTES, recordPath } from '../publish/record.ts';
import { quarantineOf } from '../recipe/advisories.ts';
import { librariesNow } from '../run/libraries.ts';
import { type CommonOptions, countOption } from '../run/options.ts';
import { openSession, type Session } from '../run/session.ts';
import { newestVersion } from '../sources/choice.ts';
import type { Output } from '../ui/output.ts';
import { channelOption, urlOption } from './repository.ts';

/** Options of `turnbuild due`. */
export interface DueOptions extends CommonOptions {
  channel?: string;
  repo?: string;
  url?: string;
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
  output.line(found.reason);
  if (options.json === true) output.data(found);
  if (options.githubOutput !== undefined)
    await appendGithubFile(options.githubOutput, githubOutput({ ...found }));
  return EXIT.ok;
}

async function decide(
  session: Session,
  asked: ReturnType<typeof parseAsked> | undefined,
  options: DueOptions,
): Promise<Due> {
  const manifest = await publishedManifest(session, options, asked !== undefined);
  const firstRevision =
    session.options.revision === 'auto'
      ? session.recipes.release.revision
      : (countOption('revision', session.options.revision) ?? session.recipes.release.revision);
  if (asked !== undefined) {
    const published = manifest === undefined ? undefined : { ...manifest.coturn, libraries: [] };
    return decideDue({ asked, published, newest: asked.version, firstRevision });
  }
  const provider = session.options.source ?? (manifest?.source?.provider === 'debian' ? 'debian' : 'github');
  if (provider !== 'github' && provider !== 'debian')
    throw usageError('OPTION_INVALID', `Invalid --source "${provider}": expected github or debian`);
  const newest = await newestVersion(session, provider, session.coturn);
  const libraries = manifest === undefined ? [] : await librariesNow(session, manifest);
  const published =
    manifest === undefined
      ? undefined
      : {
          ...manifest.coturn,
          libraries,
          quarantine: quarantineOf(manifest.coturn.version, session.recipes.quarantine)?.reason,
        };
  return decideDue({ asked, published, newest, firstRevision });
}

/**
 * The manifest of the release that was last published to a channel; undefined if there is none. A requested release does not depend on it:
 * so it can finish a first publication that was interrupted before its record.
 * @throws ARGUMENT_MISSING, RECORD_MISSING, and those of reading
 */
async function publishedManifest(
  session: Session,
  options: DueOptions,
  isAsked: boolean,
): Promise<Manifest | undefined> {
  const channel = channelOption(options.channel ?? 'testing');
  const repository = await openPublished(session, options);
  if (repository === undefined) {
    if (isAsked) return undefined;
    throw usageError(
      'ARGUMENT_MISSING',
      '--url is missing: needed to find out what is published',
      'Pass it, or write it under `publish` in turnbuild.yaml: docs/publishing.md. For a folder that exists: --repo DIR.',
    );
  }
  const { where, read } = repository;
  const path = recordPath(channel);
  const record = await read(path);
  if (record !== undefined) return parseManifest(`${where}/${path}`, record.toString(), sha256Text);
  if (isAsked || (await read(KEY_FILE)) === undefined) return undefined;
  // A channel to which nothing was published yet has no record, but the other one has.
  for (const other of CHANNELS)
    if (other !== channel && (await read(recordPath(other))) !== undefined) return undefined;
  throw new TurnbuildError(
    'RECORD_MISSING',
    `${where} is a repository, but ${path} is missing or not readable`,
    {
      hint: 'Allow reading it, as for every file of the repository. If a publication was interrupted, run it again. To build a certain release: turnbuild due VERSION.',
    },
  );
}

/** A repository that may be read. */
interface Published {
  /** For messages. */
  where: string;
  /** A file's content; undefined if there is none. */
  read: (path: string) => Promise<Buffer | undefined>;
}

/** The repository's folder if this machine has it, otherwise its URL: a bucket is read like its clients read it, without credentials. */
async function openPublished({ io, publish }: Session, options: DueOptions): Promise<Published | undefined> {
  const repo = options.repo ?? publish.repo ?? '';
  const dir = resolve(repo);
  const isFolder = repo !== '' && !isAddress(repo) && (await exists(dir));
  if (isFolder) return { where: dir, read: (path) => localStore(dir).read(path, MAX_RECORD_BYTES) };
  const url = urlOption(options.url ?? publish.url);
  if (url === undefined) return undefined;
  const limits = { maxBytes: MAX_RECORD_BYTES, signal: io.signal };
  return { where: shownUrl(url), read: (path) => readPublished(`${url}/${path}`, limits) };
}
