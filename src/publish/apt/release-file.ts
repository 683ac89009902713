/** A file that a suite's Release lists. */
export interface ListedFile {
  /** Relative to the suite's folder, e.g. `main/binary-arm64/Packages.gz`. */
  path: string;
  /** In bytes. */
  size: number;
  sha256: string;
}

/** The files in the SHA256 section of a Release, sorted by path. */
export function listedFiles(release: string): ListedFile[] {
  const section = /^SHA256:[ \t]*\n((?:[ \t]+\S.*(?:\n|$))+)/m.exec(release)?.[1] ?? '';
  return section
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([sha256 = '', size = '', path = '']) =>
      /^[0-9a-f]{64}$/.test(sha256) && /^\d+$/.test(size) && path !== ''
        ? [{ path, size: Number(size), sha256 }]
        : [],
    )
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The text that identifies a suite's content, whatever the date and the signature of its Release. */
export function contentText(files: readonly ListedFile[]): string {
  return files
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, size, sha256 }) => `${sha256} ${size} ${path}\n`)
    .join('');
}
