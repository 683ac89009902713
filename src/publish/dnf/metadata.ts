import type { PackagePlace } from './layout.ts';

/** A file that repomd.xml lists. @see https://createrepo-c.readthedocs.io */
export interface MetadataFile {
  /** E.g. `primary`. */
  type: string;
  /** Relative to the repository's base, e.g. `repodata/DIGEST-primary.xml.gz`. */
  path: string;
  /** In bytes. */
  size: number;
  sha256: string;
  /** SHA-256 of the unpacked content. */
  content: string;
}

/** A package in primary.xml. */
export interface ListedRpm {
  name: string;
  /** `[EPOCH:]VERSION-RELEASE`. */
  version: string;
  architecture: string;
  sha256: string;
  /** Name of the file in the pool. */
  file: string;
}

/** The metadata that turnbuild writes. */
const TYPES = ['primary', 'filelists', 'other'];

/**
 * The files listed in a repomd.xml that createrepo_c or mergerepo_c wrote.
 * @returns undefined if it lists others than those that turnbuild writes
 */
export function metadataFiles(repomd: string): MetadataFile[] | undefined {
  const files = [...repomd.matchAll(/<data type="([\w-]+)">([\s\S]*?)<\/data>/g)].map(
    ([, type = '', text = '']) => ({
      type,
      path: /<location href="([^"]+)"/.exec(text)?.[1] ?? '',
      size: Number(/<size>(\d+)<\/size>/.exec(text)?.[1] ?? Number.NaN),
      sha256: /<checksum type="sha256">([0-9a-f]{64})</.exec(text)?.[1] ?? '',
      content: /<open-checksum type="sha256">([0-9a-f]{64})</.exec(text)?.[1] ?? '',
    }),
  );
  const isKnown = ({ type, path, size, sha256, content }: MetadataFile) =>
    TYPES.includes(type) && /^repodata\/[\w.-]+$/.test(path) && size >= 0 && sha256 !== '' && content !== '';
  return files.length === TYPES.length && files.every(isKnown) ? files : undefined;
}

/** The packages in a primary.xml that createrepo_c or mergerepo_c wrote; undefined if some cannot be read. */
export function listedRpms(primary: string): ListedRpm[] | undefined {
  const count = Number(/<metadata [^>]*packages="(\d+)"/.exec(primary)?.[1] ?? Number.NaN);
  const packages = [...primary.matchAll(/<package type="rpm">([\s\S]*?)<\/package>/g)].map(
    ([, text = '']) => {
      const attribute = (name: string) => new RegExp(`<version[^>]* ${name}="([^"]*)"`).exec(text)?.[1] ?? '';
      const epoch = attribute('epoch');
      return {
        name: /<name>([^<]+)</.exec(text)?.[1] ?? '',
        version: `${epoch === '' || epoch === '0' ? '' : `${epoch}:`}${attribute('ver')}-${attribute('rel')}`,
        architecture: /<arch>([^<]+)</.exec(text)?.[1] ?? '',
        sha256: /<checksum type="sha256"[^>]*>([0-9a-f]{64})</.exec(text)?.[1] ?? '',
        file: /<location [^>]*href="(?:[^"]*\/)?([^"/]+)"/.exec(text)?.[1] ?? '',
      };
    },
  );
  const isComplete = (each: ListedRpm) => Object.values(each).every((value) => value !== '');
  return packages.length === count && packages.every(isComplete) ? packages : undefined;
}

/** A primary.xml that says that all packages are in another place. */
export function relocated(primary: string, { base, folder }: PackagePlace): string {
  const attribute = base === undefined ? '' : `xml:base="${base.replaceAll('&', '&amp;')}" `;
  return primary.replace(
    /<location (?:xml:base="[^"]*" )?href="(?:[^"]*\/)?([^"/]+)"\/>/g,
    (_, file: string) => `<location ${attribute}href="${folder}${file}"/>`,
  );
}

/** A repomd.xml that lists another primary.xml. @param openSize bytes of the unpacked content */
export function withPrimary(
  repomd: string,
  { path, size, sha256, content }: MetadataFile,
  openSize: number,
): string {
  return repomd.replace(/<data type="primary">[\s\S]*?<\/data>/, (text) =>
    text
      .replace(/(<checksum type="sha256">)[0-9a-f]{64}/, `$1${sha256}`)
      .replace(/(<open-checksum type="sha256">)[0-9a-f]{64}/, `$1${content}`)
      .replace(/(<location href=")[^"]*/, `$1${path}`)
      .replace(/(<size>)\d+/, `$1${size}`)
      .replace(/(<open-size>)\d+/, `$1${openSize}`),
  );
}

/** The text that identifies the content of a repository, whatever its dates and compression. */
export function contentText(files: readonly Pick<MetadataFile, 'type' | 'content'>[]): string {
  return files
    .toSorted((a, b) => (a.type < b.type ? -1 : 1))
    .map(({ type, content }) => `${content} ${type}\n`)
    .join('');
}

/** A repomd.xml for mergerepo_c, which reads it and writes its own. */
export function repomdOf(files: readonly MetadataFile[]): string {
  const data = files.map(
    ({ type, path, size, sha256, content }) => `  <data type="${type}">
    <checksum type="sha256">${sha256}</checksum>
    <open-checksum type="sha256">${content}</open-checksum>
    <location href="${path}"/>
    <timestamp>0</timestamp>
    <size>${size}</size>
  </data>
`,
  );
  const namespaces =
    'xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<repomd ${namespaces}>\n  <revision>0</revision>\n${data.join('')}</repomd>\n`;
}
