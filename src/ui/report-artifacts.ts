import { isCompanion, isPackage } from '../manifest/package-kinds.ts';
import type { Artifact, Manifest } from '../manifest/schema.ts';
import { formatBytes, formatNumber } from './format.ts';
import { columns, type Html, hash, html, nothing, numberColumn, table } from './html.ts';

/** The packages with their hashes; what goes with them below, everything else folded away. */
export function artifacts(manifest: Manifest): Html {
  const all = manifest.steps.flatMap((step) => step.outputs);
  const packages = sorted(all.filter(isPackage));
  const companions = sorted(all.filter(isCompanion));
  const others = sorted(all.filter((a) => !isPackage(a) && !isCompanion(a)));
  const main = packages.length === 0 ? html`<p>No package was made.</p>` : list('Packages', packages);
  return html`<section><h2>Artifacts</h2>
<p class="muted">Compare with <code>sha256sum FILE</code>. Paths are relative to this page.</p>
${main}${folded('Debug symbols, sources, bills of materials', companions)}${folded('Other files', others)}</section>`;
}

function folded(caption: string, files: readonly Artifact[]): Html {
  if (files.length === 0) return nothing;
  return html`<details><summary>${caption} (${files.length})</summary>${list(caption, files)}</details>`;
}

function list(caption: string, files: readonly Artifact[]): Html {
  const rows = files.map(
    (file) => html`<tr><th scope="row"><code>${file.path}</code></th>
<td>${file.target ?? '–'}</td><td>${file.arch ?? '–'}</td>
<td class="number">${formatBytes(file.size)}<small>${formatNumber(file.size)} bytes</small></td><td>${hash(file.sha256)}</td></tr>
`,
  );
  const head = [...columns('File', 'Target', 'Architecture'), numberColumn('Size'), ...columns('SHA-256')];
  return table(caption, head, [html`<tbody>${rows}</tbody>`], 'files');
}

function sorted(files: readonly Artifact[]): Artifact[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}
