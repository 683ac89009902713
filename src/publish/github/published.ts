import type { GithubRelease, GithubReleases } from '../../io/github/releases.ts';
import { compareDebianVersions } from '../../plan/debian-version.ts';
import { type PublishedRelease, type PublishedReleases, partsOf, recordIn } from '../published.ts';
import { MAX_RECORD_BYTES } from '../record.ts';
import { isWithdrawn, reasonIn } from './marker.ts';
import { tagOf } from './names.ts';
import { publishedIn } from './plan.ts';

/** The release's file that says how it was built. */
const MANIFEST = 'manifest.json';

/** Reads the releases of a repository on GitHub. Without a token that may write, GitHub lists no drafts. @throws the errors of `list` */
export async function releasesOnGithub(
  github: Pick<GithubReleases, 'address' | 'list' | 'get' | 'download'>,
): Promise<PublishedReleases> {
  const all = await github.list();
  const own = publishedIn(all).toSorted((a, b) => compareDebianVersions(b.tag, a.tag));
  const releaseOf = ({ id, tag, body, url }: GithubRelease): PublishedRelease => {
    const { version = tag, revision = 0 } = partsOf(tag) ?? {};
    return {
      ...{ release: tag, version, revision },
      withdrawn: isWithdrawn(body) ? reasonIn(body).replaceAll('&lt;', '<') : undefined,
      async manifest() {
        const { assets } = await github.get(id);
        const asset = assets.find(({ name, isComplete }) => name === MANIFEST && isComplete);
        if (asset === undefined) return undefined;
        return recordIn(`${MANIFEST} in ${url}`, await github.download(asset, MAX_RECORD_BYTES));
      },
    };
  };
  return {
    where: github.address,
    draftOf: (release) => all.find(({ isDraft, tag }) => isDraft && tag === tagOf(release))?.url,
    async newest(channel) {
      // A withdrawn release is a pre-release, whatever it was before.
      const inChannel = own.filter(({ isPrerelease, body }) =>
        channel === 'testing' ? true : !isPrerelease || isWithdrawn(body),
      );
      const found = inChannel.find(({ body }) => !isWithdrawn(body)) ?? inChannel[0];
      return found === undefined ? undefined : releaseOf(found);
    },
    async find(release) {
      const found = own.find(({ tag }) => tag === tagOf(release));
      return found === undefined ? undefined : releaseOf(found);
    },
  };
}
