import { releaseOf } from '../releases.ts';

/**
 * The name that GitHub gives an uploaded file: characters other than letters, digits, `.`, `_`, `+`, `-` and `@` become dots, so
 * `coturn_4.18.0+turnbuild-1~deb13_arm64.deb` is found as `coturn_4.18.0+turnbuild-1.deb13_arm64.deb`. GitHub REST API, "Upload a release
 * asset", says only that it renames files; which characters: softprops/action-gh-release#159.
 */
export function assetName(file: string): string {
  return file.replace(/[^\w.+@-]/g, '.');
}

/** The tag and the name of a release. `+` is allowed in both. */
export const tagOf = (release: string) => release;
export const titleOf = (release: string) => `coturn ${release}`;

/** Whether a tag is that of a release of turnbuild. The repository may have others. */
export function isOwnTag(tag: string): boolean {
  return releaseOf(tag) === tag;
}

/** Paths of what a plan changes, relative to the repository. */
export const LATEST = 'releases/latest';
export const releasePath = (tag: string) => `releases/${tag}`;
export const notesPath = (tag: string) => `${releasePath(tag)}/notes`;
export const draftPath = (tag: string, id: number) => `${releasePath(tag)}/drafts/${id}`;
export const assetPath = (tag: string, name: string) => `${releasePath(tag)}/assets/${name}`;
