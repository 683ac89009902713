import { join, resolve } from 'node:path';
import { EXIT, usageError } from '../errors.ts';
import { exists, readText, sha256Text } from '../io/files.ts';
import { appendGithubFile } from '../io/github-output-file.ts';
import { readPublished } from '../io/published-file.ts';
import { shownUrl } from '../io/shown-url.ts';
import type { Manifest } from '../manifest/schema.ts';
import { parseManifest } from '../manifest/store.ts';
import { type Due, decideDue, parseAsked } from '../plan/due.ts';
import { githubOutput } from '../plan/github-output.ts';
import { recordPath } from '../publish/record.ts';
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

/** A manifest with every check of every package has less than 1 MiB. */
const MAX_MANIFEST = 32 * 1024 ** 2;

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
  const manifest = await publishedManifest(session, options);
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
  const published = manifest === undefined ? undefined : { ...manifest.coturn, libraries };
  return decideDue({ asked, published, newest, firstRevision });
}

/** The manifest of the release that was last published to a channel; undefined if there is none. */
async function publishedManifest(
  { io, publish }: Session,
  options: DueOptions,
): Promise<Manifest | undefined> {
  const path = recordPath(channelOption(options.channel ?? 'testing'));
  const repo = options.repo ?? publish.repo;
  // A bucket is read like its clients read it, without credentials.
  const isFolder = repo !== undefined && repo !== '' && !/^[a-z0-9]+:\/\//.test(repo);
  if (isFolder) {
    const file = join(resolve(repo), path);
    return (await exists(file)) ? parseManifest(file, await readText(file), sha256Text) : undefined;
  }
  const url = urlOption(options.url ?? publish.url);
  if (url === undefined)
    throw usageError(
      'ARGUMENT_MISSING',
      '--url is missing: needed to find out what is published',
      'Pass it, or write it under `publish` in turnbuild.yaml: docs/publishing.md. For a folder: --repo DIR.',
    );
  const address = `${url}/${path}`;
  const bytes = await readPublished(address, { maxBytes: MAX_MANIFEST, signal: io.signal });
  return bytes === undefined ? undefined : parseManifest(shownUrl(address), bytes.toString(), sha256Text);
}
