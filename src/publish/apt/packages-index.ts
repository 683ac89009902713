/** A package in an index of an apt repository. */
export interface IndexedPackage {
  name: string;
  version: string;
  /** Debian's name of the architecture. */
  architecture: string;
  /** Path of the .deb relative to the repository. */
  path: string;
  /** In bytes. */
  size: number;
  sha256: string;
  /** The paragraph in the index, without the empty line after it. */
  text: string;
}

/** The text of a Packages index -> its packages. @see https://wiki.debian.org/DebianRepository/Format */
export function parsePackages(text: string): IndexedPackage[] {
  return text
    .split(/\n(?:[ \t]*\n)+/)
    .map((paragraph) => paragraph.replace(/^\n+|\n+$/g, ''))
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => ({
      name: fieldOf(paragraph, 'Package'),
      version: fieldOf(paragraph, 'Version'),
      architecture: fieldOf(paragraph, 'Architecture'),
      path: fieldOf(paragraph, 'Filename').replace(/^\.\//, ''),
      size: Number(fieldOf(paragraph, 'Size')),
      sha256: fieldOf(paragraph, 'SHA256').toLowerCase(),
      text: paragraph,
    }));
}

/** Packages -> the text of their index, in an order that depends on nothing else. */
export function formatPackages(packages: readonly IndexedPackage[]): string {
  const key = ({ name, path }: IndexedPackage) => `${name}\n${path}`;
  return packages
    .toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    .map(({ text }) => `${text}\n`)
    .join('\n');
}

/** A package's paragraph with another path. */
export function movedTo(found: IndexedPackage, path: string): IndexedPackage {
  return { ...found, path, text: found.text.replace(/^Filename:.*$/m, () => `Filename: ${path}`) };
}

function fieldOf(paragraph: string, name: string): string {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(paragraph)?.[1]?.trim() ?? '';
}
