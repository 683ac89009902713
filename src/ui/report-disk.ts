import { formatBytes, formatNumber } from './format.ts';
import { columns, folded, type Html, html, nothing, numberColumn, section, table } from './html.ts';
import type { Variant } from './outcome.ts';

/** What takes the space of each image's root file system, the largest first. */
export function diskSpace(variants: readonly Variant[]): Html {
  const tables = variants.flatMap((variant) => {
    const parts = partsOf(variant.facts.usage);
    return parts.length === 0 ? [] : [spaceOf(variant.name, parts)];
  });
  if (tables.length === 0) return nothing;
  return section(
    'usage',
    'Disk space',
    html`<p class="muted">Sizes of the installed files by package, before the first boot.</p>
${tables}`,
  );
}

type Part = readonly [name: string, bytes: number];

/** The recorded sizes. A manifest may have anything there. */
function partsOf(usage: unknown): Part[] {
  const entries = Object.entries((usage ?? {}) as object);
  return entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
}

function spaceOf(image: string, parts: readonly Part[]): Html {
  const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  const row = ([name, bytes]: Part) =>
    html`<tr><th scope="row">${name}</th><td class="number"><span title="${formatNumber(bytes)} bytes">${formatBytes(bytes)}</span></td></tr>
`;
  const head = [...columns('Package'), numberColumn('Size')];
  const foot = html`<tfoot><tr><th scope="row">Total</th><td class="number">${formatBytes(total)}</td></tr></tfoot>`;
  const title = `${image}: ${formatBytes(total)}`;
  return folded(title, table(title, head, [html`<tbody>${parts.map(row)}</tbody>`, foot], 'space'), 'long');
}
