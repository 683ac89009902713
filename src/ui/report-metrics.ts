import { formatNumber } from './format.ts';
import { folded, type Html, html, nothing, section, table } from './html.ts';
import type { Variant } from './outcome.ts';

/** The Prometheus metrics of each installed package: first those with a non-zero value, then those at 0. */
export function metrics(variants: readonly Variant[]): Html {
  const scraped = variants.filter((variant) => Object.keys(variant.metrics).length > 0);
  if (scraped.length === 0) {
    return section('metrics', 'Prometheus metrics', html`<p class="notice">No metrics were scraped.</p>`);
  }
  const names = [...new Set(scraped.flatMap((variant) => Object.keys(variant.metrics)))].sort();
  const moved = names.filter((name) => scraped.some((variant) => (variant.metrics[name] ?? 0) !== 0));
  const still = names.filter((name) => !moved.includes(name));
  const head = [
    html`<th scope="col">Metric</th>`,
    ...scraped.map(
      (variant) =>
        html`<th scope="col" class="number">${variant.target ?? variant.name}<small>${variant.arch}</small></th>`,
    ),
  ];
  const body = [group('Non-zero', moved, scraped), group('At 0', still, scraped)];
  return section(
    'metrics',
    'Prometheus metrics',
    html`<p class="muted">Scraped over HTTP from each installed server, after the checks had relayed their traffic.</p>
${folded(`${moved.length} non-zero, ${still.length} at 0`, table('Prometheus metrics by package', head, body, 'metrics'))}`,
  );
}

function group(title: string, names: readonly string[], variants: readonly Variant[]): Html {
  if (names.length === 0) return nothing;
  const rows = names.map((name) => {
    const values = variants.map((variant) => {
      const value = variant.metrics[name];
      return html`<td class="number">${value === undefined ? html`<span class="muted">none</span>` : formatNumber(value)}</td>`;
    });
    return html`<tr><th scope="row"><code>${name}</code></th>${values}</tr>
`;
  });
  return html`<tbody><tr class="group"><th scope="rowgroup" colspan="${variants.length + 1}">${title}</th></tr>
${rows}</tbody>`;
}
