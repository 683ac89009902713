import { digestOf, type Repository } from './state.ts';

/** What is wrong with the published releases: a file that SHA256SUMS lists is missing or different, or an upload is not finished. */
export function incompleteReleases({ releases }: Repository): string[] {
  return releases
    .filter(({ draft }) => !draft)
    .flatMap(({ tag, assets }) => {
      const sums = assets.find(({ name }) => name === 'SHA256SUMS')?.content.toString();
      if (sums === undefined) return [`${tag} has no SHA256SUMS`];
      const listed = [...sums.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)];
      const missing = listed
        .filter(
          ([, sha256, file]) =>
            !assets.some((each) => each.name === file && digestOf(each) === `sha256:${sha256}`),
        )
        .map(([, , file]) => `${tag} lacks ${file}`);
      const partial = assets
        .filter(({ state }) => state === 'starter')
        .map(({ name }) => `${tag} has a part of ${name}`);
      const names = assets.map(({ name }) => name);
      const twice = names.filter((name, index) => names.indexOf(name) !== index);
      return [...missing, ...partial, ...twice.map((name) => `${tag} has ${name} twice`)];
    });
}
