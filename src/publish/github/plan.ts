import { TurnbuildError, usageError } from '../../errors.ts';
import type { GithubAsset, GithubRelease } from '../../io/github/releases.ts';
import { compareDebianVersions } from '../../plan/debian-version.ts';
import { differs } from '../actions.ts';
import type { Channel, Destination, Pointer } from '../plan.ts';
import { releasesIn } from '../releases.ts';
import { requireWithinLimits } from './limits.ts';
import { isWithdrawn, markerIn, reasonIn, shownReason, withdrawnNotes } from './marker.ts';
import { assetName, isOwnTag, LATEST, releasePath, tagOf } from './names.ts';
import { actionOf, type GithubStep, type ReleaseFile } from './steps.ts';

/** All that the plan of GitHub Releases depends on. */
export interface GithubFacts {
  /** Address of the repository. */
  where: string;
  channel: Channel;
  /** Fingerprint of the primary key; undefined: nothing is signed. */
  key: string | undefined;
  /** Releases and drafts of the repository. The digest of an asset that the plan compares is known. */
  releases: readonly GithubRelease[];
  /** Tag of the release that GitHub shows as the latest one. */
  latest: string | undefined;
  sha256: (text: string) => string;
}

/** A release to publish. */
export interface NewRelease {
  release: string;
  /** Digest of its manifest. */
  manifest: string;
  notes: string;
  files: readonly ReleaseFile[];
}

/** A plan, and the steps that its actions stand for, in the same order. */
export interface GithubPlan {
  destination: Destination;
  steps: readonly GithubStep[];
}

/** The published releases of turnbuild, also those that were withdrawn. */
export function publishedIn(releases: readonly GithubRelease[]): GithubRelease[] {
  return releases.filter(({ isDraft, tag }) => !isDraft && isOwnTag(tag));
}

/** The published releases of a channel; the stable ones are the full releases. */
const stableIn = (releases: readonly GithubRelease[]) =>
  publishedIn(releases).filter(({ isPrerelease, body }) => !isPrerelease && !isWithdrawn(body));

/**
 * The release or draft that a publication continues; undefined if there is neither.
 * @throws GITHUB_DRAFT_CONFLICT if another draft of the same tag could be meant
 */
export function currentRelease(
  releases: readonly GithubRelease[],
  { release, manifest }: Pick<NewRelease, 'release' | 'manifest'>,
): GithubRelease | undefined {
  const all = releases.filter(({ tag }) => tag === tagOf(release));
  const published = all.find(({ isDraft }) => !isDraft);
  const own = ownDrafts(all, manifest);
  // Beside its own draft, only that of another run matters.
  const other = all.find(
    ({ isDraft, body, id }) =>
      isDraft && !own.some((each) => each.id === id) && (own.length === 0 || markerIn(body) !== undefined),
  );
  if (published !== undefined || other === undefined) return published ?? own[0];
  const by = markerIn(other.body) === undefined ? 'turnbuild did not create' : 'belongs to another build';
  throw new TurnbuildError(
    'GITHUB_DRAFT_CONFLICT',
    `A draft of ${tagOf(release)} exists that ${by}: ${other.url}`,
    {
      hint: 'If no other run is publishing it, delete the draft on its page, and run the same command again.',
    },
  );
}

/** The drafts of this publication, the first one first. A lost response can leave several. */
function ownDrafts(releases: readonly GithubRelease[], manifest: string): GithubRelease[] {
  const own = releases.filter(({ isDraft, body }) => isDraft && markerIn(body)?.manifest === manifest);
  return own.toSorted((a, b) => a.id - b.id);
}

/**
 * Plans how a release is published: a draft first, then its files, then its notes, and last the publication, so that GitHub never shows
 * a release that lacks a file.
 * @throws PUBLISHED_DIFFERS, RELEASE_WITHDRAWN, GITHUB_RELEASE_IMMUTABLE, GITHUB_DRAFT_CONFLICT, GITHUB_LIMIT_EXCEEDED
 */
export function planPublication(facts: GithubFacts, fresh: NewRelease): GithubPlan {
  const { releases, channel } = facts;
  const tag = tagOf(fresh.release);
  requireDistinct(fresh.files);
  requireWithinLimits(tag, fresh.files);
  const current = currentRelease(releases, fresh);
  if (current !== undefined) requireNotWithdrawn(current, facts.where);
  const extra = ownDrafts(
    releases.filter((each) => each.tag === tag),
    fresh.manifest,
  ).filter(({ id }) => id !== current?.id);
  const isPublished = current !== undefined && !current.isDraft;
  const uploads = isPublished ? forPublished(current, fresh, facts.where) : forDraft(current, fresh);
  const wasStable = isPublished && !current.isPrerelease;
  const isStable = wasStable || channel === 'stable';
  const after = [...stableIn(releases).map((each) => each.tag), ...(isStable ? [tag] : [])];
  const latest = channel === 'stable' ? newestOf(after) : facts.latest;
  const shows = !isPublished || isStable !== wasStable;
  const steps: GithubStep[] = [
    ...extra.map(({ id }) => ({ do: 'remove-draft' as const, tag, id })),
    ...(current === undefined
      ? [{ do: 'draft' as const, tag, notes: fresh.notes, manifest: fresh.manifest }]
      : []),
    ...uploads,
    ...(current?.isDraft && sameLines(current.body) !== fresh.notes
      ? [{ do: 'notes' as const, tag, body: fresh.notes }]
      : []),
    ...(shows ? [{ do: 'show' as const, tag, isPrerelease: !isStable, isLatest: latest === tag }] : []),
    ...(latest !== undefined && latest !== facts.latest && !(shows && latest === tag)
      ? [{ do: 'latest' as const, tag: latest }]
      : []),
  ];
  return planOf(facts, steps, new Map([[tag, isStable ? 'stable' : 'testing']]), latest);
}

/** GitHub may change line ends. */
const sameLines = (text: string) => text.replaceAll('\r\n', '\n');

/** A draft is not public: what is not as it should be is replaced. */
function forDraft(draft: GithubRelease | undefined, { release, files }: NewRelease): GithubStep[] {
  const tag = tagOf(release);
  const wrong = (draft?.assets ?? []).filter((asset) => {
    const file = files.find(({ name }) => name === asset.name);
    return file === undefined || !isSame(asset, file);
  });
  const there = (name: string) => draft?.assets.some((each) => each.name === name && !wrong.includes(each));
  return [
    ...wrong.map((asset) => ({ do: 'remove-asset' as const, tag, asset })),
    ...files.map((file) => ({ do: there(file.name) ? ('reuse' as const) : ('upload' as const), tag, file })),
  ];
}

/**
 * What a published release has stays. Reports are those of its first publication: a manifest changes when an image is built later.
 * @throws PUBLISHED_DIFFERS, GITHUB_RELEASE_IMMUTABLE
 */
function forPublished(published: GithubRelease, { release, files }: NewRelease, where: string): GithubStep[] {
  const tag = tagOf(release);
  const assetOf = ({ name }: ReleaseFile) =>
    published.assets.find((each) => each.name === name && each.isComplete);
  for (const file of files) {
    const asset = assetOf(file);
    if (asset === undefined || file.kind !== 'package' || isSame(asset, file)) continue;
    throw differs(
      `${tag} in ${where} has a different ${asset.name}: sha256 ${asset.sha256}; expected ${file.sha256}`,
    );
  }
  const missing = files.filter((file) => assetOf(file) === undefined);
  const packages = missing.filter(({ kind }) => kind === 'package').map(({ name }) => name);
  const sums = files.find(({ kind }) => kind === 'sums');
  const listed = sums === undefined ? undefined : assetOf(sums);
  const isSameSet = sums !== undefined && (listed === undefined || isSame(listed, sums));
  if (packages.length > 0 && published.isImmutable)
    throw new TurnbuildError(
      'GITHUB_RELEASE_IMMUTABLE',
      `${tag} in ${where} is immutable, and has no ${packages.join(', ')}`,
      { hint: 'Nothing can be added to it. Publish all packages together with a new --revision.' },
    );
  if (packages.length > 0 && !isSameSet)
    throw differs(
      `${tag} in ${where} was published with other packages: it has no ${packages.join(', ')}, and its SHA256SUMS does not list them`,
    );
  const added = published.isImmutable || !isSameSet ? [] : missing;
  const leftover = published.assets.filter(
    ({ name, isComplete }) => !isComplete && added.some((file) => file.name === name),
  );
  return [
    ...leftover.map((asset) => ({ do: 'remove-asset' as const, tag, asset })),
    ...files.flatMap((file): GithubStep[] => {
      if (assetOf(file) !== undefined) return [{ do: 'reuse', tag, file }];
      return added.includes(file) ? [{ do: 'upload', tag, file }] : [];
    }),
  ];
}

/** Whether an asset has a file's content. A signature that is not made yet differs from any other. */
function isSame({ isComplete, size, sha256 }: GithubAsset, file: ReleaseFile): boolean {
  return isComplete && size === file.size && sha256 === file.sha256;
}

/** Two files must not get the same name on GitHub. */
function requireDistinct(files: readonly ReleaseFile[]): void {
  const seen = new Map<string, string>();
  for (const { name, label } of files) {
    const other = seen.get(name);
    if (other !== undefined) throw new Error(`${label} and ${other} are both ${name} on GitHub`);
    if (assetName(name) !== name) throw new Error(`GitHub renames ${name}`);
    seen.set(name, label);
  }
}

/** The release becomes the newest one of `stable`: newer ones become pre-releases again. @throws RELEASE_UNKNOWN, RELEASE_WITHDRAWN */
export function planPromotion(facts: GithubFacts, release: string): GithubPlan {
  const { releases, where, channel } = facts;
  if (channel !== 'stable')
    throw usageError(
      'OPTION_INVALID',
      `On GitHub, releases can't be promoted to ${channel}`,
      'GitHub has pre-releases (testing) and full releases (stable). Leave out --channel, or --to github.',
    );
  const tag = tagOf(release);
  const own = publishedIn(releases).find((each) => each.tag === tag);
  if (own === undefined) throw usageError('RELEASE_UNKNOWN', `${where} has no release ${release}`);
  requireNotWithdrawn(own, where);
  const newer = stableIn(releases).filter((each) => compareDebianVersions(each.tag, tag) > 0);
  const steps: GithubStep[] = [
    ...(own.isPrerelease
      ? [{ do: 'show' as const, tag, isPrerelease: false, isLatest: true }]
      : facts.latest === tag
        ? []
        : [{ do: 'latest' as const, tag }]),
    ...newer.map((each) => ({ do: 'show' as const, tag: each.tag, isPrerelease: true, isLatest: false })),
  ];
  const states = new Map([[tag, 'stable'], ...newer.map((each) => [each.tag, 'testing'] as const)]);
  return planOf(facts, steps, states, tag);
}

/** Releases stay with their files, but GitHub shows them as withdrawn pre-releases. The newest other stable release is the latest one. */
export function planWithdrawal(facts: GithubFacts, withdrawn: readonly string[], reason: string): GithubPlan {
  const tags = withdrawn.map(tagOf);
  const own = publishedIn(facts.releases).filter(({ tag }) => tags.includes(tag));
  const others = stableIn(facts.releases).filter(({ tag }) => !tags.includes(tag));
  const wasLatest = facts.latest !== undefined && tags.includes(facts.latest);
  const latest = wasLatest ? newestOf(others.map(({ tag }) => tag)) : facts.latest;
  const steps: GithubStep[] = [
    ...(wasLatest && latest !== undefined ? [{ do: 'latest' as const, tag: latest }] : []),
    ...own.flatMap(({ tag, body, isPrerelease }): GithubStep[] => {
      const next = withdrawnNotes(sameLines(body), tag, reason);
      return [
        ...(sameLines(body) === next ? [] : [{ do: 'notes' as const, tag, body: next }]),
        ...(isPrerelease ? [] : [{ do: 'show' as const, tag, isPrerelease: true, isLatest: false }]),
      ];
    }),
  ];
  const states = new Map(own.map(({ tag }) => [tag, `withdrawn: ${shownReason(reason)}`]));
  return planOf(facts, steps, states, latest);
}

function requireNotWithdrawn({ body, tag, url }: GithubRelease, where: string): void {
  if (!isWithdrawn(body)) return;
  throw new TurnbuildError('RELEASE_WITHDRAWN', `coturn ${tag} was withdrawn from ${where}`, {
    hint: `${url} says why. Publish a new --revision instead.`,
  });
}

const newestOf = (tags: readonly string[]) => releasesIn(tags.map((version) => ({ version }))).at(-1);

/** Releases on GitHub are not refreshed, but they are read like other repositories. */
export function planNothing(facts: GithubFacts): GithubPlan {
  return planOf(facts, [], new Map(), facts.latest);
}

/** @param states tag -> what GitHub shows afterwards @param latest tag of the release that is the latest one afterwards */
function planOf(
  facts: GithubFacts,
  steps: readonly GithubStep[],
  states: ReadonlyMap<string, string>,
  latest: string | undefined,
): GithubPlan {
  const { where, channel, key = null, releases, sha256 } = facts;
  const digest = (text: string | undefined) => (text === undefined ? null : sha256(text));
  const pointers: Pointer[] = [...states].map(([tag, state]) => ({
    path: releasePath(tag),
    before: digest(stateOf(publishedIn(releases).find((each) => each.tag === tag))),
    after: sha256(state),
  }));
  if (facts.latest !== latest || latest !== undefined)
    pointers.push({ path: LATEST, before: digest(facts.latest), after: sha256(latest ?? 'none') });
  return {
    destination: {
      ...{ to: 'github', where, channel, key, url: null, origin: null, pointers },
      actions: steps.map(actionOf),
    },
    steps,
  };
}

/** What GitHub shows of a release; undefined if it is not published. */
function stateOf(release: GithubRelease | undefined): string | undefined {
  if (release === undefined) return undefined;
  if (isWithdrawn(release.body)) return `withdrawn: ${reasonIn(release.body)}`;
  return release.isPrerelease ? 'testing' : 'stable';
}
