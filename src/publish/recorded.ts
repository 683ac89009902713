import { TurnbuildError } from '../errors.ts';
import type { Manifest } from '../manifest/schema.ts';
import { KEY_FILE } from './key-file.ts';
import { CHANNELS, type Channel } from './plan.ts';
import { type PublishedRelease, type PublishedReleases, partsOf, recordIn } from './published.ts';
import { MAX_RECORD_BYTES, manifestPath, recordPath } from './record.ts';
import { MAX_NOTICE, noticeIn, noticePath } from './withdrawn.ts';

/** A repository that may be read, by its clients or with credentials. */
export interface ReadableRepository {
  /** For messages. */
  where: string;
  /** A file's content; undefined if there is none, or it may not be read. */
  read(path: string, maxBytes: number): Promise<Buffer | undefined>;
}

/** Reads the records and notices of a repository for apt and dnf. They have known names, because clients of a web server can't list files. */
export function recordedReleases({ where, read }: ReadableRepository): PublishedReleases {
  const record = async (path: string): Promise<Manifest | undefined> => {
    const bytes = await read(path, MAX_RECORD_BYTES);
    return bytes === undefined ? undefined : recordIn(`${where}/${path}`, bytes);
  };
  const withdrawn = async (release: string): Promise<string | undefined> => {
    const text = await read(noticePath(release), MAX_NOTICE);
    return text === undefined ? undefined : noticeIn(text.toString('utf8'))?.reason;
  };
  const releaseOf = async (release: string, manifest: Manifest | undefined): Promise<PublishedRelease> => {
    const parts = manifest?.coturn ?? partsOf(release);
    if (parts === undefined) throw new Error(`${release} is not a release`);
    return {
      release,
      version: parts.version,
      revision: parts.revision,
      withdrawn: await withdrawn(release),
      manifest: async () => manifest,
    };
  };
  return {
    where,
    draftOf: () => undefined,
    async newest(channel: Channel) {
      const found = await record(recordPath(channel));
      if (found !== undefined) return releaseOf(found.packageVersion, found);
      if ((await read(KEY_FILE, MAX_RECORD_BYTES)) === undefined) return undefined;
      // A channel to which nothing was published yet has no record, but the other one has.
      for (const other of CHANNELS)
        if (other !== channel && (await read(recordPath(other), MAX_RECORD_BYTES)) !== undefined)
          return undefined;
      throw new TurnbuildError(
        'RECORD_MISSING',
        `${where} is a repository, but ${recordPath(channel)} is missing or not readable`,
        {
          hint: 'Allow reading it, as for every file of the repository. If a publication was interrupted, or an early turnbuild published to the repository, run `turnbuild publish` for its newest release again. To build a certain release: turnbuild due VERSION.',
        },
      );
    },
    async find(release) {
      const path = manifestPath(release);
      const manifest = await record(path);
      if (manifest !== undefined && manifest.packageVersion !== release)
        throw new TurnbuildError('RECORD_INVALID', `${where}/${path} is that of ${manifest.packageVersion}`, {
          hint: 'Someone may have copied it there. Restore the right one from a backup.',
        });
      const found = await releaseOf(release, manifest);
      return manifest === undefined && found.withdrawn === undefined ? undefined : found;
    },
  };
}
