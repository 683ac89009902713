import { isCompanion, isImage, isPackage } from '../manifest/package-kinds.ts';
import type { Artifact, Manifest } from '../manifest/schema.ts';
import { fileAddress } from './anchors.ts';
import { formatBytes, formatNumber } from './format.ts';
import { columns, folded, type Html, hash, html, nothing, numberColumn, section, table } from './html.ts';

/** The packages and machine images with links and hashes, followed by companion files and all other files, collapsed. */
export function artifacts(manifest: Manifest): Html {
  const all = manifest.steps.flatMap((step) => step.outputs);
  const packages = sorted(all.filter((file) => isPackage(file) && !isImage(file)));
  const images = sorted(all.filter(isImage));
  const companions = sorted(all.filter(isCompanion));
  const others = sorted(all.filter((a) => !isPackage(a) && !isCompanion(a)));
  const main = packages.length === 0 ? html`<p>No packages were built.</p>` : list('Packages', packages);
  return section(
    'packages',
    'Packages',
    html`<p class="muted">Links and paths are relative to this page. To check a file: <code>sha256sum FILE</code>.</p>
${main}${images.length === 0 ? nothing : list('Machine images', images)}${foldedList('Debug symbols, sources, SBOMs', companions)}${foldedList('Intermediate files and verification output', others)}`,
  );
}

function foldedList(caption: string, files: readonly Artifact[]): Html {
  return files.length === 0 ? nothing : folded(`${caption} (${files.length})`, list(caption, files), 'long');
}

function list(caption: string, files: readonly Artifact[]): Html {
  const rows = files.map(
    (
      file,
    ) => html`<tr><th scope="row"><code>${isPackage(file) || isCompanion(file) ? html`<a href="${fileAddress(file.path)}">${file.path}</a>` : file.path}</code></th>
<td>${file.target ?? '–'}</td><td>${file.arch ?? '–'}</td>
<td class="number"><span title="${formatNumber(file.size)} bytes">${formatBytes(file.size)}</span></td><td>${hash(file.sha256)}</td></tr>
`,
  );
  const head = [...columns('File', 'Target', 'Architecture'), numberColumn('Size'), ...columns('SHA-256')];
  return table(caption, head, [html`<tbody>${rows}</tbody>`], 'files stack');
}

function sorted(files: readonly Artifact[]): Artifact[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}
