/** A file that SHA256SUMS lists. `sha256`: lower-case hex. */
export interface Sum {
  name: string;
  sha256: string;
}

/** SHA256SUMS for `sha256sum --check`, sorted by name. A file that several steps made, e.g. a source package, is listed once. */
export function formatTrustSums(files: readonly Sum[]): string {
  const lines = new Map(files.map(({ name, sha256 }) => [`${sha256}  ${name}\n`, name]));
  return [...lines]
    .toSorted(([, a], [, b]) => (a < b ? -1 : 1))
    .map(([line]) => line)
    .join('');
}

/** Text of a SHA256SUMS -> its files. Lines of another kind are ignored. */
export function parseSums(text: string): Sum[] {
  return text.split('\n').flatMap((line) => {
    const [, sha256, name] = /^([0-9a-f]{64}) [ *](\S.*)$/.exec(line) ?? [];
    return sha256 === undefined || name === undefined ? [] : [{ name, sha256 }];
  });
}

/**
 * Whether two names are of the same file: GitHub replaces characters in the names of assets, e.g. `~` by a dot, and browsers and servers
 * leave others encoded.
 */
export function isSameName(a: string, b: string): boolean {
  return plainName(a) === plainName(b);
}

function plainName(name: string): string {
  const own = name.slice(name.lastIndexOf('/') + 1).replaceAll(/%[0-7][0-9a-f]/gi, '.');
  return own.replaceAll(/[^\w-]+/g, '.');
}
