import { basename } from 'node:path';
import { TurnbuildError } from '../../errors.ts';
import { sha256File, sha256Text, sizeOf } from '../../io/files.ts';
import type { GithubAsset, GithubRelease, GithubReleases } from '../../io/github/releases.ts';
import { releaseDigest } from '../../manifest/published.ts';
import { compareDebianVersions } from '../../plan/debian-version.ts';
import type { Addition } from '../change.ts';
import type { PublishedRpm, PublishedRpms } from '../dnf/signed.ts';
import { type Job, NO_CLIENTS, type PlannedJob } from '../job.ts';
import { releasesIn } from '../releases.ts';
import type { SigningKey } from '../signing-key.ts';
import { TRUST_FOLDER } from '../trust/names.ts';
import { type Filed, releaseFiles } from './files.ts';
import { isWithdrawn, markerIn } from './marker.ts';
import { assetName, tagOf, titleOf } from './names.ts';
import { releaseNotes } from './notes.ts';
import {
  currentRelease,
  type GithubFacts,
  type GithubPlan,
  planNothing,
  planPromotion,
  planPublication,
  planWithdrawal,
  publishedIn,
} from './plan.ts';
import type { GithubStep, ReleaseFile } from './steps.ts';

/** A change of GitHub Releases. */
export interface GithubJob extends Omit<Job, 'store' | 'key' | 'origin' | 'url'> {
  github: GithubReleases;
  /** Undefined: nothing is signed. */
  key: SigningKey | undefined;
}

/** Reads the releases and plans. @throws the errors of the planners, of releaseFiles, and of GithubReleases */
export async function planGithubJob(job: GithubJob): Promise<PlannedJob> {
  const { github, channel, change, key } = job;
  const releases = await github.list();
  const facts: GithubFacts = {
    where: github.address,
    channel,
    key: key?.fingerprint,
    releases,
    latest: await github.latest(),
    sha256: sha256Text,
  };
  if (change.verb === 'publish') return publication(job, change, facts);
  if (change.verb === 'gc') throw new Error('gc does not concern GitHub');
  const plan =
    change.verb === 'promote'
      ? planPromotion(facts, change.release)
      : change.verb === 'withdraw'
        ? planWithdrawal(facts, change.releases, change.reason)
        : planNothing(facts);
  return {
    destination: plan.destination,
    notes: [],
    releases: releasesIn(publishedIn(releases).map(({ tag }) => ({ version: tag }))),
    ...NO_CLIENTS,
    apply: applying(plan, { github, current: undefined, releases }),
  };
}

async function publication(job: GithubJob, change: Addition, facts: GithubFacts): Promise<PlannedJob> {
  const { github, key } = job;
  const release = change.manifest.packageVersion;
  const manifest = releaseDigest(change.manifest, sha256Text);
  const listed = currentRelease(facts.releases, { release, manifest });
  const found = listed === undefined ? undefined : await github.get(listed.id);
  const filed = await releaseFiles(change, {
    ...job,
    own: async (path) => rpmIn(found, path, github),
  });
  const current = found === undefined ? undefined : await withDigests(found, filed.files, github);
  const releases = facts.releases.map((each) => (each.id === current?.id ? current : each));
  const notes = releaseNotes({
    manifest: change.manifest,
    digest: manifest,
    groups: change.groups,
    files: filed.files.map(({ name }) => name),
    previous: previousOf(releases, release),
    key: key?.fingerprint,
  });
  const plan = planPublication({ ...facts, releases }, { release, manifest, notes, files: filed.files });
  const isOwn = ({ tag, isDraft, body }: GithubRelease) =>
    tag === tagOf(release) && isDraft && markerIn(body)?.manifest === manifest;
  return {
    destination: plan.destination,
    notes: [
      ...(key === undefined
        ? ['Nothing is signed on GitHub. To sign SHA256SUMS and .rpm packages, pass --sign-with.']
        : []),
      ...filed.leftOut.map(
        (name) =>
          `${TRUST_FOLDER}/${name} is left out: it is not a signature of the statement about the published files. To get one, run turnbuild attest --sigstore before, with the same --sign-with.`,
      ),
      ...(current?.isDraft === false && current.isPrerelease === false && job.channel === 'testing'
        ? [`${release} is in stable already, and stays there.`]
        : []),
    ],
    releases: releasesIn(
      [...publishedIn(releases).map(({ tag }) => tag), release].map((version) => ({ version })),
    ),
    published: filed.published,
    ...NO_CLIENTS,
    apply: applying(plan, { github, current, releases, title: titleOf(release), filed, isOwn }),
  };
}

/** The signed packages of a release on GitHub, or of its draft. They are listed when the first one is looked for. */
export function rpmsOnGithub(github: GithubReleases, { manifest }: Addition): PublishedRpms {
  const find = async () => {
    const facts = { release: manifest.packageVersion, manifest: releaseDigest(manifest, sha256Text) };
    const listed = currentRelease(await github.list(), facts);
    return listed === undefined ? undefined : github.get(listed.id);
  };
  let found: ReturnType<typeof find> | undefined;
  return async (path) => {
    found ??= find();
    return rpmIn(await found, path, github);
  };
}

function rpmIn(
  release: GithubRelease | undefined,
  path: string,
  github: GithubReleases,
): PublishedRpm | undefined {
  const name = assetName(basename(path));
  const asset = release?.assets.find((each) => each.name === name && each.isComplete);
  if (asset === undefined) return undefined;
  return { sha256: asset.sha256, read: (maxBytes) => github.download(asset, maxBytes) };
}

/** The newest published release that is older. */
function previousOf(releases: readonly GithubRelease[], release: string) {
  const older = publishedIn(releases).filter(
    ({ tag, body }) => !isWithdrawn(body) && compareDebianVersions(tag, tagOf(release)) < 0,
  );
  const newest = older.toSorted((a, b) => compareDebianVersions(a.tag, b.tag)).at(-1);
  return newest === undefined ? undefined : { release: newest.tag, marker: markerIn(newest.body) };
}

/** A server that does not say the digest of an asset: it is downloaded, if it can be the same. GitHub Enterprise Server before 3.18. */
async function withDigests(
  release: GithubRelease,
  files: readonly ReleaseFile[],
  github: GithubReleases,
): Promise<GithubRelease> {
  const assets = [];
  for (const asset of release.assets) {
    const file = files.find(({ name }) => name === asset.name);
    const isUnknown = asset.isComplete && asset.sha256 === undefined && asset.size === file?.size;
    assets.push(isUnknown ? { ...asset, sha256: await github.digest(asset) } : asset);
  }
  return { ...release, assets };
}

/** What the steps of a plan need. */
interface Applying {
  github: GithubReleases;
  /** The release or draft that is published. */
  current: GithubRelease | undefined;
  releases: readonly GithubRelease[];
  title?: string;
  filed?: Filed;
  /** Recognises the draft. */
  isOwn?: (release: GithubRelease) => boolean;
}

/** Makes the changes of a plan. */
function applying(plan: GithubPlan, { github, releases, ...own }: Applying): PlannedJob['apply'] {
  let { current } = own;
  /** The uploaded content of each file: a signature is made when it is uploaded. */
  const uploaded = new Map<string, { size: number; sha256: string }>();
  const releaseOf = (tag: string): GithubRelease => {
    const found = current?.tag === tag ? current : releases.find((each) => !each.isDraft && each.tag === tag);
    if (found === undefined) throw new Error(`${tag} is not there`);
    return found;
  };
  /** The release as it is now. GitHub has no lock: another run may have published the draft that this one would change. */
  const nowAt = async (tag: string): Promise<GithubRelease> => {
    const planned = releaseOf(tag);
    const now = await github.get(planned.id);
    if (now.isDraft !== planned.isDraft) throw overtaken(now);
    return now;
  };
  const pathOf = async (file: ReleaseFile) => {
    if (own.filed === undefined) throw new Error(`${file.name} has no content`);
    return own.filed.pathOf(file);
  };
  const make = async (step: GithubStep): Promise<void> => {
    const { tag } = step;
    if (step.do === 'remove-draft') {
      if ((await github.get(step.id)).isDraft) await github.removeRelease(step.id);
    } else if (step.do === 'draft') {
      const { title = tag, isOwn = () => false } = own;
      current = await github.createDraft({ tag, title, body: step.notes }, isOwn);
    } else if (step.do === 'remove-asset') {
      const now = await nowAt(tag);
      const asset = now.assets.find(({ id }) => id === step.asset.id);
      if (asset !== undefined && !isUnchanged(asset, step.asset)) throw overtaken(now);
      if (asset !== undefined) await github.removeAsset(now.id, asset.id);
    } else if (step.do === 'upload') {
      const { name, label } = step.file;
      const file = await pathOf(step.file);
      const content = { size: await sizeOf(file), sha256: await sha256File(file) };
      if (step.file.sha256 !== undefined && content.sha256 !== step.file.sha256)
        throw new TurnbuildError(
          'ARTIFACT_CHANGED',
          `The content of ${file} changed while it was published`,
          {
            hint: 'Another run may be changing the release. Run the same command again.',
          },
        );
      await github.upload(await nowAt(tag), { name, label, file, sha256: content.sha256 });
      uploaded.set(name, content);
    } else if (step.do === 'notes') await github.update(releaseOf(tag).id, { body: step.body });
    else if (step.do === 'latest') await github.update(releaseOf(tag).id, { make_latest: 'true' });
    else if (step.do === 'show') {
      const { id, isDraft } = releaseOf(tag);
      if (isDraft) await removeTwins(id);
      if (isDraft) requireComplete(await withDigests(await github.get(id), expected(), github), expected());
      const { isPrerelease: prerelease, isLatest } = step;
      const flags = { prerelease, make_latest: isLatest ? ('true' as const) : ('false' as const) };
      await github.update(id, isDraft ? { draft: false, ...flags } : flags);
    }
  };
  /** A request that was repeated on its way, or whose response was lost, may have created the draft twice. */
  const removeTwins = async (id: number) => {
    for (const each of await github.list())
      if (each.id !== id && own.isOwn?.(each) === true) await github.removeRelease(each.id);
  };
  const expected = () =>
    plan.steps.flatMap((step) =>
      step.do === 'upload' || step.do === 'reuse' ? [{ ...step.file, ...uploaded.get(step.file.name) }] : [],
    );
  return async (action) => {
    const step = plan.steps[plan.destination.actions.indexOf(action)];
    if (step === undefined) throw new Error(`${action.path} is not in the plan`);
    await make(step);
  };
}

function isUnchanged(now: GithubAsset, planned: GithubAsset): boolean {
  // A server that says no digests: the planned one was computed.
  const isSameContent = now.sha256 === undefined || now.sha256 === planned.sha256;
  return now.isComplete === planned.isComplete && now.size === planned.size && isSameContent;
}

function overtaken({ tag, url }: GithubRelease): TurnbuildError {
  return new TurnbuildError('PUBLISH_PLAN_STALE', `Another run changed ${tag} meanwhile: ${url}`, {
    hint: 'Nothing of it was deleted. Run the same command again.',
  });
}

/** The last check before a draft becomes public. @throws GITHUB_ASSET_DAMAGED */
function requireComplete({ assets, url }: GithubRelease, files: readonly ReleaseFile[]): void {
  const isThere = ({ name, size, sha256 }: ReleaseFile) =>
    assets.some(
      (each) => each.name === name && each.isComplete && each.size === size && each.sha256 === sha256,
    );
  const damaged = files.filter((file) => !isThere(file)).map(({ name }) => name);
  const extra = assets
    .filter(({ name }) => !files.some((file) => file.name === name))
    .map(({ name }) => name);
  if (damaged.length === 0 && extra.length === 0) return;
  throw new TurnbuildError(
    'GITHUB_ASSET_DAMAGED',
    `The draft ${url} is not what was uploaded: ${[...damaged, ...extra].join(', ')}`,
    { hint: 'Another run may be publishing the same release. Run the same command again.' },
  );
}
