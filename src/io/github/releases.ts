import { createHash } from 'node:crypto';
import { TurnbuildError } from '../../errors.ts';
import { sha256Bytes, sizeOf } from '../files.ts';
import { FileBody } from './access.ts';
import { archivedError, githubError, isMissing, isTaken, isUncertain, unknownRepository } from './errors.ts';
import { type GithubPlace, interrupted, openOctokit, pause } from './octokit.ts';

/** A file of a release. */
export interface GithubAsset {
  id: number;
  name: string;
  /** In bytes. */
  size: number;
  /** False: an upload that was interrupted has left it. */
  isComplete: boolean;
  /** SHA-256, lower-case hex; undefined if the server does not say it. */
  sha256: string | undefined;
}

/** A release, or a draft of one. */
export interface GithubRelease {
  id: number;
  tag: string;
  /** The notes. */
  body: string;
  isDraft: boolean;
  isPrerelease: boolean;
  /** Its tag and its assets can never change. */
  isImmutable: boolean;
  /** Address of its page. */
  url: string;
  /** Where its files are uploaded: a template (RFC 6570). */
  uploadUrl: string;
  assets: readonly GithubAsset[];
}

/** What can change in a release. Absent: stays. */
export interface ReleaseChange {
  body?: string;
  /** False: publishes a draft. */
  draft?: boolean;
  prerelease?: boolean;
  make_latest?: 'true' | 'false';
}

/** The releases of a repository. Requests are repeated, and limits waited for; what still fails is a TurnbuildError that names the repository. */
export interface GithubReleases {
  /** Address of the repository's page, e.g. `https://github.com/example/coturn-packages`. */
  address: string;
  /** All releases, in any order. Drafts are among them only if the token may write. */
  list(): Promise<GithubRelease[]>;
  /** Tag of the release that is marked as the latest one. */
  latest(): Promise<string | undefined>;
  /** Requires that the token may change releases. Nothing is changed. @throws GITHUB_FORBIDDEN, GITHUB_TOKEN_INVALID */
  requireWritable(tag: string): Promise<void>;
  /** A release with all its assets. */
  get(id: number): Promise<GithubRelease>;
  /**
   * Creates a draft. Its tag will be created at the commit of GithubPlace, when it is published.
   * @param isOwn recognises it, if the response was lost
   */
  createDraft(
    draft: { tag: string; title: string; body: string },
    isOwn: (release: GithubRelease) => boolean,
  ): Promise<GithubRelease>;
  update(id: number, change: ReleaseChange): Promise<void>;
  removeRelease(id: number): Promise<void>;
  removeAsset(release: number, id: number): Promise<void>;
  /** Uploads a file. An upload that was interrupted is repeated. @param label the name that is shown @throws PUBLISHED_DIFFERS, GITHUB_ASSET_DAMAGED */
  upload(
    release: GithubRelease,
    asset: { name: string; label: string; file: string; sha256: string },
  ): Promise<void>;
  /**
   * The content of an asset, or its SHA-256.
   * @throws FILE_ERROR if it has more than `maxBytes`; GITHUB_ASSET_DAMAGED if it does not have the digest that GitHub says
   */
  download(asset: GithubAsset, maxBytes: number): Promise<Buffer>;
  digest(asset: GithubAsset): Promise<string>;
}

/** Attempts to create, upload or download, and milliseconds between. */
const TRIES = 4;
const PAUSE_MS = 2_000;

type Page = Awaited<
  ReturnType<Awaited<ReturnType<typeof openOctokit>>['octokit']['rest']['repos']['listReleases']>
>;
type Listed = Page['data'][number];

/** Opens a repository. Nothing is requested yet. */
export async function githubReleases(place: GithubPlace): Promise<GithubReleases> {
  const { owner, name: repo, commit, signal } = place;
  const { octokit, access } = await openOctokit(place);
  const { repos } = octokit.rest;
  const own = { owner, repo };
  const address = `${webAddress(access.baseUrl)}/${owner}/${repo}`;
  /** Waits for a request, but not after an interruption: the plugins may be waiting for minutes. */
  const asked = <T>(work: Promise<T>, what: string, isWrite = true): Promise<T> =>
    unlessAborted(work, signal).catch((error: unknown) => {
      if (signal.aborted) throw interrupted();
      throw githubError(error, what, address, isWrite);
    });
  const raw = <T>(work: Promise<T>): Promise<T> =>
    unlessAborted(work, signal).catch((error: unknown) => {
      throw signal.aborted ? interrupted() : error;
    });
  const assetsOf = (id: number) =>
    octokit.paginate(repos.listReleaseAssets, { ...own, release_id: id, per_page: 100 });
  const list = async () => {
    const all = await octokit.paginate(repos.listReleases, { ...own, per_page: 100 });
    return all.map(releaseOf);
  };
  return {
    address,
    async list() {
      const found = await raw(repos.get(own)).catch((error: unknown) => {
        throw isMissing(error)
          ? unknownRepository(address)
          : githubError(error, 'read the settings', address, false);
      });
      if (found.data.archived) throw archivedError(address);
      return asked(list(), 'list the releases', false);
    },
    async latest() {
      try {
        return (await raw(repos.getLatestRelease(own))).data.tag_name;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw githubError(error, 'read the latest release', address, false);
      }
    },
    async requireWritable(tag) {
      // "Generate release notes content for a release": it needs the permission to write, and saves nothing.
      const request = repos.generateReleaseNotes({ ...own, tag_name: tag, request: { retries: 0 } });
      await raw(request).catch((error: unknown) => {
        const found = githubError(error, 'change the releases', address, true);
        const { code } = found as TurnbuildError;
        // Any other failure says nothing about the permission.
        if (['GITHUB_FORBIDDEN', 'GITHUB_TOKEN_INVALID', 'INTERRUPTED'].includes(code)) throw found;
      });
    },
    async get(id) {
      const what = 'read the release';
      const { data } = await asked(repos.getRelease({ ...own, release_id: id }), what, false);
      return { ...releaseOf(data), assets: (await asked(assetsOf(id), what, false)).map(assetOf) };
    },
    async createDraft({ tag, title, body }, isOwn) {
      const what = `create a draft of ${tag}`;
      for (let attempt = 1; ; attempt++) {
        const create = repos.createRelease({
          ...{ ...own, tag_name: tag, name: title, body, draft: true, prerelease: true },
          ...(commit === undefined ? {} : { target_commitish: commit }),
          request: { retries: 0 },
        });
        try {
          return releaseOf((await raw(create)).data);
        } catch (error) {
          if (!isUncertain(error) || attempt === TRIES) throw githubError(error, what, address, true, commit);
          await pause(PAUSE_MS, signal);
          // The draft may be there although the response was lost. A second one would stay.
          const found = (await asked(list(), what)).find(isOwn);
          if (found !== undefined) return found;
        }
      }
    },
    async update(id, change) {
      const what = 'change the release';
      await raw(repos.updateRelease({ ...own, release_id: id, ...change })).catch((error: unknown) => {
        throw githubError(error, what, address, true, change.draft === false ? commit : undefined);
      });
    },
    async removeRelease(id) {
      const isThere = async () =>
        (await asked(list(), 'list the releases', false)).some((each) => each.id === id);
      await removed(repos.deleteRelease({ ...own, release_id: id }), 'remove a draft', isThere);
    },
    async removeAsset(release, id) {
      await removedAsset(release, id, 'remove a file of a draft');
    },
    async upload(release, { name, label, file, sha256 }) {
      const what = `upload ${name}`;
      const size = await sizeOf(file);
      for (let attempt = 1; ; attempt++) {
        let there: GithubAsset | undefined;
        let isOwn = true;
        try {
          const { data } = await raw(
            repos.uploadReleaseAsset({
              ...{ ...own, release_id: release.id, name, label },
              url: release.uploadUrl,
              headers: { 'content-type': 'application/octet-stream', 'content-length': size },
              // Octokit's type is that of text. It passes on any body.
              data: new FileBody(file) as unknown as string,
              request: { retries: 0 },
            }),
          );
          there = assetOf(data);
          if (there.name !== name)
            throw new TurnbuildError('GITHUB_UNEXPECTED', `GitHub stored ${name} as ${there.name}`);
        } catch (error) {
          if (!(isTaken(error) || isUncertain(error)) || attempt === TRIES)
            throw githubError(error, what, address, true);
          await pause(PAUSE_MS, signal);
          // Without a response, the file may be there, or a part of it.
          const all = await asked(assetsOf(release.id), what);
          there = all.map(assetOf).find((each) => each.name === name);
          isOwn = there?.isComplete !== true;
        }
        if (there?.isComplete && there.size === size && (there.sha256 ?? sha256) === sha256) return;
        if (!isOwn)
          throw new TurnbuildError(
            'PUBLISHED_DIFFERS',
            `${name} in ${release.url} has ${there?.size} bytes and sha256 ${there?.sha256}; the uploaded file has ${size} bytes and sha256 ${sha256}`,
            { hint: 'Another run may be publishing the release. Run the same command again.' },
          );
        if (there !== undefined) await removedAsset(release.id, there.id, `remove a part of ${name}`);
        if (attempt === TRIES)
          throw new TurnbuildError(
            'GITHUB_ASSET_DAMAGED',
            `${name} was damaged in transit to ${release.url}, ${TRIES} times`,
            { hint: 'Check the connection and any proxy, then run the same command again.' },
          );
      }
    },
    async download(asset, maxBytes) {
      const read = async () => {
        const chunks: Uint8Array[] = [];
        let bytes = 0;
        for await (const chunk of await opened(asset)) {
          bytes += chunk.length;
          if (bytes > maxBytes) throw tooLarge(asset, maxBytes);
          chunks.push(chunk);
        }
        return Buffer.concat(chunks);
      };
      for (let attempt = 1; ; attempt++) {
        const content = await retrying(asset, read);
        if (asset.sha256 === undefined || sha256Bytes(content) === asset.sha256) return content;
        if (attempt === TRIES)
          throw new TurnbuildError(
            'GITHUB_ASSET_DAMAGED',
            `${asset.name} in ${address} does not have the digest that GitHub says: sha256 ${asset.sha256}`,
            { hint: 'Check the connection and any proxy, then run the same command again.' },
          );
        await pause(PAUSE_MS, signal);
      }
    },
    async digest(asset) {
      return retrying(asset, async () => {
        const hash = createHash('sha256');
        for await (const chunk of await opened(asset)) hash.update(chunk);
        return hash.digest('hex');
      });
    },
  };

  async function opened({ id }: GithubAsset): Promise<AsyncIterable<Uint8Array>> {
    const { data } = await octokit.request('GET /repos/{owner}/{repo}/releases/assets/{asset_id}', {
      ...{ ...own, asset_id: id },
      headers: { accept: 'application/octet-stream' },
      request: { fetch: access.download, parseSuccessResponseBody: false },
    });
    return data as unknown as AsyncIterable<Uint8Array>;
  }

  async function retrying<T>({ name }: GithubAsset, read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++)
      try {
        return await raw(read());
      } catch (error) {
        if (isUncertain(error) && attempt < TRIES) await pause(PAUSE_MS, signal);
        else throw githubError(error, `download ${name}`, address, false);
      }
  }

  async function removedAsset(release: number, id: number, what: string): Promise<void> {
    const isThere = async () => (await asked(assetsOf(release), what)).some((each) => each.id === id);
    await removed(repos.deleteReleaseAsset({ ...own, asset_id: id }), what, isThere);
  }

  /** After 404, it may be removed already, because the response of an earlier attempt was lost; or the token may not remove it. */
  async function removed(
    work: Promise<unknown>,
    what: string,
    isThere: () => Promise<boolean>,
  ): Promise<void> {
    await raw(work).catch(async (error: unknown) => {
      if (!isMissing(error) || (await isThere())) throw githubError(error, what, address, true);
    });
  }
}

function releaseOf(data: Listed): GithubRelease {
  return {
    id: data.id,
    tag: data.tag_name,
    body: data.body ?? '',
    isDraft: data.draft,
    isPrerelease: data.prerelease,
    isImmutable: data.immutable ?? false,
    url: data.html_url,
    uploadUrl: data.upload_url,
    assets: data.assets.map(assetOf),
  };
}

function assetOf({ id, name, size, state, digest }: Listed['assets'][number]): GithubAsset {
  return {
    id,
    name,
    size,
    isComplete: state === 'uploaded',
    sha256: /^sha256:([0-9a-f]{64})$/.exec(digest ?? '')?.[1],
  };
}

/** The address of a server's pages. GitHub Enterprise Server has its API under /api/v3, GHE.com and github.com on a host of its own. */
function webAddress(api: string): string {
  return api.replace(/\/api\/v3$/, '').replace('//api.', '//');
}

function tooLarge({ name }: GithubAsset, maxBytes: number): TurnbuildError {
  return new TurnbuildError('FILE_ERROR', `${name} has more than ${maxBytes} bytes`);
}

/** Rejects as soon as the signal aborts. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(interrupted());
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
