import { createHash } from 'node:crypto';

/** A file of a release. */
export interface Asset {
  id: number;
  name: string;
  label: string | null;
  /** `starter`: an upload that was interrupted has left it. */
  state: 'uploaded' | 'starter';
  content: Buffer;
}

export interface Release {
  id: number;
  tag: string;
  /** Where the tag is created: a branch or a commit. */
  target: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  immutable: boolean;
  created: number;
  published: number | undefined;
  assets: Asset[];
  /** In how many listings it is still missing. */
  unlisted: number;
}

/** A refusal, as GitHub words it. */
export class Refusal extends Error {
  readonly status: number;
  readonly errors: object[];
  constructor(status: number, message: string, errors: object[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

const invalid = (...errors: object[]) => new Refusal(422, 'Validation Failed', errors);
const notFound = () => new Refusal(404, 'Not Found');

/** What a request may change in a release. */
export interface ReleaseFields {
  tag_name?: string;
  target_commitish?: string;
  name?: string;
  body?: string;
  draft?: boolean;
  prerelease?: boolean;
  make_latest?: 'true' | 'false' | 'legacy';
}

/** How a repository is set up. */
export interface Settings {
  archived: boolean;
  /** Releases become immutable when they are published. */
  immutable: boolean;
  /** The server says the digests of assets. */
  digests: boolean;
  /** In how many listings a new release is still missing. */
  lag: number;
  /** Without a token, nobody may see it. */
  isPrivate: boolean;
}

/**
 * The releases of a repository with the rules of GitHub: several drafts may have the same tag, names of files are changed, an immutable
 * release keeps its files and its tag, also after its end.
 */
export class Repository {
  readonly releases: Release[] = [];
  readonly settings: Settings = {
    archived: false,
    immutable: false,
    digests: true,
    lag: 0,
    isPrivate: false,
  };
  readonly reserved = new Set<string>();
  #latest: number | undefined;
  #ids = 1000;
  #clock = Date.parse('2026-01-01T00:00:00Z');

  find(id: number): Release {
    const found = this.releases.find((each) => each.id === id);
    if (found === undefined) throw notFound();
    return found;
  }

  create(fields: ReleaseFields): Release {
    const { tag_name: tag = '', target_commitish: target = 'main', name = null, body = null } = fields;
    const { draft = false, prerelease = false } = fields;
    if (!/^[\w.+/-]+$/.test(tag)) throw invalid({ resource: 'Release', code: 'invalid', field: 'tag_name' });
    if (!/^(?:main|[0-9a-f]{40})$/.test(target))
      throw invalid({ resource: 'Release', code: 'invalid', field: 'target_commitish' });
    this.#clock += 60_000;
    const release: Release = {
      ...{ id: ++this.#ids, tag, target, name, body, draft: true, prerelease, immutable: false },
      ...{ created: this.#clock, published: undefined, assets: [], unlisted: this.settings.lag },
    };
    if (!draft) this.#publish(release, fields);
    this.releases.push(release);
    return release;
  }

  update(id: number, fields: ReleaseFields): Release {
    const release = this.find(id);
    const { tag_name: tag, name, body, draft, prerelease, make_latest: latest } = fields;
    if (release.immutable && ((tag ?? release.tag) !== release.tag || draft === true))
      throw invalid({ resource: 'Release', code: 'custom', message: 'Cannot change an immutable release' });
    const isHidden = (draft ?? release.draft) || (prerelease ?? release.prerelease);
    if (latest === 'true' && isHidden)
      throw invalid({
        resource: 'Release',
        code: 'custom',
        message: 'Latest release cannot be draft or prerelease',
      });
    if (tag !== undefined) release.tag = tag;
    if (name !== undefined) release.name = name;
    if (body !== undefined) release.body = body;
    if (prerelease !== undefined) release.prerelease = prerelease;
    if (release.draft && draft === false) this.#publish(release, fields);
    else if (latest === 'true') this.#latest = id;
    else if (latest === 'false' && this.#latest === id) this.#latest = undefined;
    return release;
  }

  #publish(release: Release, { make_latest: latest = 'true' }: ReleaseFields): void {
    const { tag } = release;
    if (this.reserved.has(tag))
      throw invalid({
        ...{ resource: 'Release', code: 'custom', field: 'tag_name' },
        message: 'tag_name was used by an immutable release',
      });
    if (this.releases.some((each) => !each.draft && each.tag === tag))
      throw invalid({ resource: 'Release', code: 'already_exists', field: 'tag_name' });
    release.draft = false;
    release.published = this.#clock;
    release.immutable = this.settings.immutable;
    if (latest === 'true' && !release.prerelease) this.#latest = release.id;
  }

  remove(id: number): void {
    const release = this.find(id);
    if (release.immutable) this.reserved.add(release.tag);
    this.releases.splice(this.releases.indexOf(release), 1);
  }

  /** The release that is marked as the latest one; without a mark, the full release with the newest date. */
  latest(): Release {
    const full = this.releases.filter(({ draft, prerelease }) => !draft && !prerelease);
    const found =
      full.find(({ id }) => id === this.#latest) ?? full.toSorted((a, b) => b.created - a.created)[0];
    if (found === undefined) throw notFound();
    return found;
  }

  /** Begins an upload. It stays a `starter` until `content` is complete. */
  begin(id: number, name: string, label: string | null): Asset {
    const release = this.find(id);
    if (release.immutable) throw new Refusal(422, 'Cannot upload assets to an immutable release.');
    const own = name.replace(/[^\w.+@-]/g, '.').replace(/^\.+|\.+$/g, '');
    if (release.assets.some((each) => each.name === own))
      throw invalid({ resource: 'ReleaseAsset', code: 'already_exists', field: 'name' });
    const asset: Asset = {
      ...{ id: ++this.#ids, name: own, label: label === '' ? null : label },
      ...{ state: 'starter', content: Buffer.alloc(0) },
    };
    release.assets.push(asset);
    return asset;
  }

  asset(id: number): { release: Release; asset: Asset } {
    for (const release of this.releases) {
      const asset = release.assets.find((each) => each.id === id);
      if (asset !== undefined) return { release, asset };
    }
    throw notFound();
  }

  removeAsset(id: number): void {
    const { release, asset } = this.asset(id);
    if (release.immutable) throw new Refusal(422, 'Cannot delete assets of an immutable release.');
    release.assets.splice(release.assets.indexOf(asset), 1);
  }

  /** All of it, for `restore`. */
  save() {
    const releases = this.releases.map((each) => ({
      ...each,
      assets: each.assets.map((asset) => ({ ...asset })),
    }));
    return { releases, settings: { ...this.settings }, latest: this.#latest };
  }

  /** Makes the repository as it was. New ids are not those of then. */
  restore({ releases, settings, latest }: ReturnType<Repository['save']>): void {
    const copies = releases.map((each) => ({ ...each, assets: each.assets.map((asset) => ({ ...asset })) }));
    this.releases.splice(0, this.releases.length, ...copies);
    Object.assign(this.settings, settings);
    this.reserved.clear();
    this.#latest = latest;
  }

  /** What a person sees, without ids and dates. */
  summary() {
    const latest = () => {
      try {
        return this.latest().tag;
      } catch {
        return undefined;
      }
    };
    return {
      latest: latest(),
      releases: this.releases
        .map(({ tag, target, name, body, draft, prerelease, immutable, assets }) => ({
          ...{ tag, target, name, body, draft, prerelease, immutable },
          assets: assets.map((each) => `${each.name} ${each.state} ${digestOf(each)} (${each.label})`).sort(),
        }))
        .sort((a, b) => (a.tag < b.tag ? -1 : 1)),
    };
  }
}

/** SHA-256 of an asset, as the API has it. */
export function digestOf({ content }: Asset): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
