import type { BaseImage, Manifest } from '../manifest/schema.ts';
import { columns, folded, type Html, hash, html, link, nothing, section, table } from './html.ts';

/** Where the source came from and how it is pinned. */
export function source(manifest: Manifest): Html {
  if (manifest.source === undefined)
    return section(
      'source',
      'Source',
      html`<p class="notice">This package was given as a file; turnbuild did not build it. The checks test whether it works.
They do not prove that it is harmless: a malicious package can behave well during tests and forge the records in its own root.</p>`,
    );
  const { provider, location, sha256, tree, commit, gitTree } = manifest.source;
  const rows: [string, Html][] = [
    ['Provider', html`${provider}`],
    ['Location', link(location)],
    ['SHA-256 of the tarball', hash(sha256)],
    ['Digest of the unpacked tree', hash(tree)],
    ['Git commit', hash(commit)],
    ['Git tree', hash(gitTree)],
    [
      'Release date (SOURCE_DATE_EPOCH)',
      html`${date(manifest.coturn.epoch)} <small>${manifest.coturn.epoch}</small>`,
    ],
  ];
  const body = rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>
`,
  );
  return section(
    'source',
    'Source',
    table('Source of coturn', columns('Property', 'Value'), [html`<tbody>${body}</tbody>`], 'pairs stack'),
  );
}

/** The images that the packages were built and checked in. */
export function bases(manifest: Manifest): Html {
  if (manifest.bases.length === 0) return nothing;
  const rows = manifest.bases.map(
    (
      base,
    ) => html`<tr><th scope="row">${base.name}${packages(base)}</th><td>${base.suite}</td><td>${base.arch}</td>
<td>${base.origin}</td><td>${hash(base.digest)}</td></tr>
`,
  );
  const head = columns('Image', 'Suite', 'Architecture', 'Origin', 'Digest');
  return section(
    'bases',
    'Base images',
    html`<p class="muted"><em>Bootstrapped</em> images were made from the distribution's signed archive; <em>registry</em> images were pulled by digest.</p>
${table('Base images', head, [html`<tbody>${rows}</tbody>`], 'files stack')}`,
  );
}

function packages(base: BaseImage): Html {
  const entries = Object.entries(base.packages ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return nothing;
  const items = entries.map(([name, version]) => html`<li><code>${name} ${version}</code></li>`);
  return folded(`Packages (${entries.length})`, html`<ul class="packages">${items}</ul>`, 'long');
}

/** Seconds since 1970 as an ISO date; the number itself if it is out of range. */
function date(epoch: number): string {
  const day = new Date(epoch * 1000);
  return Number.isNaN(day.getTime()) ? String(epoch) : day.toISOString().replace('.000Z', 'Z');
}
