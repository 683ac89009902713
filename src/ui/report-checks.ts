import type { CheckResult } from '../manifest/schema.ts';
import { checkAnchor, subjectAnchor } from './anchors.ts';
import { CHECK_STATUS, countedAs, WITHOUT_VERDICT } from './check-status.ts';
import { subjectOf, subjectTitle } from './check-subjects.ts';
import { plural } from './format.ts';
import { type Html, html, nothing, section, table } from './html.ts';
import { countChecks, type Variant } from './outcome.ts';
import { figures, reference } from './report-check.ts';

/** Checks (rows) by package (columns), one table per subject. Tables without a failure are collapsed. */
export function checkMatrix(variants: readonly Variant[]): Html {
  const checked = variants.filter((variant) => variant.checks.length > 0);
  if (checked.length === 0) {
    return section(
      'checks',
      'Checks',
      html`<p class="notice">No check ran: the packages are unverified.</p>`,
    );
  }
  const all = distinctChecks(checked);
  const subjects = [...new Set(all.map(subjectOf))];
  return section(
    'checks',
    'Checks',
    html`<p class="muted">Grouped by subject. Groups without a failure are collapsed.</p>
${subjects.map((subject) =>
  subjectTable(
    subject,
    all.filter((check) => subjectOf(check) === subject),
    checked,
  ),
)}`,
  );
}

function subjectTable(subject: string, checks: readonly CheckResult[], variants: readonly Variant[]): Html {
  const ids = new Set(checks.map(({ id }) => id));
  const results = variants.flatMap((variant) => variant.checks.filter(({ id }) => ids.has(id)));
  const failed = results.some(isFailure);
  const rows = checks.map((check) => row(check, variants));
  const totals = variants.map(
    (variant) => html`<td>${summaryOf(variant.checks.filter(({ id }) => ids.has(id)))}</td>`,
  );
  const head = [
    html`<th scope="col">Check</th>`,
    ...variants.map(
      (variant) => html`<th scope="col">${variant.target ?? variant.name}<small>${variant.arch}</small></th>`,
    ),
  ];
  const body = [
    html`<tbody>${rows}</tbody>`,
    html`<tfoot><tr><th scope="row">Total</th>${totals}</tr></tfoot>`,
  ];
  const title = subjectTitle(subject);
  return html`<details class="subject" id="${subjectAnchor(subject)}"${failed ? html` open` : nothing}><summary><strong>${title}</strong> <span class="${failed ? 'bad' : 'muted'}">${plural(checks.length, 'check')}, ${summaryOf(results)}</span></summary>
${table(title, head, body, 'matrix')}</details>
`;
}

/** `70 of 72 passed, 2 not applicable`: counts one result per check and package. */
function summaryOf(checks: readonly CheckResult[]): string {
  const counts = countChecks(checks);
  const others = countedAs(counts, ['failed', 'accepted', 'blocked', ...WITHOUT_VERDICT]);
  return [`${counts.passed} of ${checks.length} passed`, ...others].join(', ');
}

function isFailure({ status }: CheckResult): boolean {
  return status === 'failed' || status === 'accepted';
}

/** Failing checks come first, the rest in the order in which they ran. */
function distinctChecks(variants: readonly Variant[]): CheckResult[] {
  const byId = new Map<string, CheckResult>();
  for (const check of variants.flatMap((variant) => variant.checks)) {
    if (!byId.has(check.id)) byId.set(check.id, check);
  }
  const failed = new Set(variants.flatMap((v) => v.checks.filter(isFailure).map((c) => c.id)));
  const all = [...byId.values()];
  return [...all.filter((c) => failed.has(c.id)), ...all.filter((c) => !failed.has(c.id))];
}

function row(check: CheckResult, variants: readonly Variant[]): Html {
  const { id, title, reason } = check;
  return html`<tr id="${checkAnchor(id)}"><th scope="row">${title} <a class="self" href="#${checkAnchor(id)}"><code>${id}</code></a>
<small>${reason}${reference(check)}</small>${findings(id, variants)}</th>${variants.map((variant) => cell(variant, id))}</tr>
`;
}

/** A check's messages and measured values. Packages with the same result share an entry. */
function findings(id: string, variants: readonly Variant[]): Html {
  const found = new Map<string, { content: Html; names: string[] }>();
  for (const { name, checks } of variants) {
    for (const check of checks.filter((each) => each.id === id)) {
      const message = check.message === '' ? nothing : html`<p>${check.message}</p>`;
      const content = html`${message}${figures(check)}`;
      if (content.safe === '') continue;
      found.set(content.safe, { content, names: [...(found.get(content.safe)?.names ?? []), name] });
    }
  }
  if (found.size === 0) return nothing;
  const items = [...found.values()].map(
    ({ content, names }) =>
      html`<li>${names.length === variants.length ? nothing : html`<strong>${names.join(', ')}</strong>`}${content}</li>`,
  );
  return html`<details><summary>Findings</summary><ul class="findings">${items}</ul></details>`;
}

function cell(variant: Variant, id: string): Html {
  const results = variant.checks.filter((check) => check.id === id);
  if (results.length === 0) return html`<td class="absent"><span class="muted">not run</span></td>`;
  const order = ['failed', 'accepted', 'blocked', ...WITHOUT_VERDICT, 'passed'] as const;
  const status = order.find((each) => results.some((c) => c.status === each)) ?? 'passed';
  return html`<td class="${status}">${results.map(result)}</td>`;
}

/** A check's status. A tooltip shows its message and measured values. */
function result(check: CheckResult): Html {
  const { symbol, text } = CHECK_STATUS[check.status];
  const measured = Object.entries(check.figures).map(([name, value]) => `${name}: ${value}`);
  const hover = [check.message, ...measured].filter((t) => t !== '').join('\n');
  const title = hover === '' ? nothing : html` title="${hover}"`;
  return html`<span class="mark"${title}><span aria-hidden="true">${symbol}</span> ${text}</span>`;
}
