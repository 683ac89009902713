/** A package in primary.xml, filelists.xml or other.xml, and the line break after it. */
const PACKAGE = /<package [^>]*>[\s\S]*?<\/package>\n?/g;

/**
 * Removes packages from metadata that createrepo_c or mergerepo_c wrote.
 * @param xml text of primary.xml, filelists.xml or other.xml
 * @param keep SHA-256 of the packages that stay
 */
export function filteredMetadata(xml: string, keep: ReadonlySet<string>): string {
  let count = 0;
  const text = xml.replace(PACKAGE, (each) => {
    if (!keep.has(packageId(each))) return '';
    count += 1;
    return each;
  });
  return text.replace(/(<(?:metadata|filelists|otherdata) [^>]*packages=")\d+(")/, `$1${count}$2`);
}

function packageId(text: string): string {
  const attribute = /^<package [^>]*pkgid="([0-9a-f]{64})"/.exec(text)?.[1];
  return attribute ?? /<checksum type="sha256"[^>]*>([0-9a-f]{64})</.exec(text)?.[1] ?? '';
}
