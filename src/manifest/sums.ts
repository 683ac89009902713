import { isCompanion, isPackage } from './package-kinds.ts';
import type { Manifest } from './schema.ts';

/** SHA256SUMS for `sha256sum --check`, of all published files: packages, their symbols and sources, bills of materials. */
export function formatSums({ steps }: Manifest): string {
  return steps
    .flatMap(({ outputs }) => outputs.filter((output) => isPackage(output) || isCompanion(output)))
    .map(({ path, sha256 }) => ({ path, line: `${sha256}  ${path}\n` }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ line }) => line)
    .join('');
}
