import type { CheckResult } from '../manifest/schema.ts';
import { formatNumber } from './format.ts';
import { type Html, html, link, nothing } from './html.ts';

/** The values that a check measured. */
export function figures(check: Pick<CheckResult, 'figures'>): Html {
  const entries = Object.entries(check.figures);
  if (entries.length === 0) return nothing;
  const show = (value: number | string): string => (typeof value === 'number' ? formatNumber(value) : value);
  return html`<dl class="figures">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${show(value)}</dd></div>`)}</dl>`;
}

/** The link to a check's reference. */
export function reference(check: Pick<CheckResult, 'reference'>): Html {
  return check.reference === undefined ? nothing : html` ${link(check.reference, 'Reference')}`;
}
