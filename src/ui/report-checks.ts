import type { CheckResult, Manifest } from '../manifest/schema.ts';
import { CHECK_STATUS, countedAs, WITHOUT_VERDICT } from './check-status.ts';
import { formatNumber, plural } from './format.ts';
import { type Html, html, link, nothing, table } from './html.ts';
import { causesOf, countChecks, failedSteps, isBad, type Variant } from './outcome.ts';

/** What failed, with nothing cut: first on the page, because nothing else matters then. */
export function failures(manifest: Manifest, variants: readonly Variant[]): Html {
  // A step that failed by its checks has said all in them.
  const silent = failedSteps(manifest).filter(({ checks }) => !(checks ?? []).some(isBad));
  const steps = silent.map(
    (step) => html`<article class="failure"><h3>Step ${step.id}</h3>
<pre>${step.error ?? 'no message'}</pre>${step.log === undefined ? nothing : html`<p>Log: <code>${step.log}</code></p>`}</article>
`,
  );
  const checks = variants.flatMap((variant) =>
    variant.checks
      .filter((check) => check.status === 'failed' || check.status === 'accepted')
      .map(
        (
          check,
        ) => html`<article class="failure"><h3>${variant.name}: ${check.title}${check.status === 'accepted' ? ' (accepted)' : ''}</h3>
<pre>${check.message}</pre>${figures(check)}
<p>${check.reason} <code>${check.id}</code>${reference(check)}</p></article>
`,
      ),
  );
  const untried = variants.flatMap(({ name, checks: all }) => {
    const own = all.filter(({ status }) => status === 'blocked');
    const by = [...new Set(own.map(({ blockedBy }) => blockedBy ?? ''))].join(', ');
    return own.length === 0
      ? []
      : [
          html`<p>${name}: ${plural(own.length, 'check')} could not be tried, blocked by <code>${by}</code>.</p>`,
        ];
  });
  if (steps.length + checks.length + untried.length === 0) return nothing;
  return html`<section><h2>Failures</h2>${causes(variants)}${checks}${steps}${untried}</section>`;
}

/** What failures come from, where that is known. */
function causes(variants: readonly Variant[]): Html {
  const found = causesOf(variants);
  if (found.length === 0) return nothing;
  return html`<ul class="causes">${found.map(
    ({ cause, variants: names }) =>
      html`<li><strong>${cause}</strong> <small>${names.join(', ')}</small></li>`,
  )}</ul>`;
}

/** Every check (row) of every package (column). A cell opens to what the check said and measured. */
export function checkMatrix(variants: readonly Variant[]): Html {
  const checked = variants.filter((variant) => variant.checks.length > 0);
  if (checked.length === 0) {
    return html`<section><h2>Checks</h2><p class="notice">No check ran: the packages are unverified.</p></section>`;
  }
  const rows = distinctChecks(checked).map(
    (
      check,
    ) => html`<tr><th scope="row"><span title="${check.reason}">${check.title}</span> <code>${check.id}</code>
<small>${check.reason}${reference(check)}</small></th>${checked.map((variant) => cell(variant, check.id))}</tr>
`,
  );
  const totals = checked.map((variant) => {
    const counts = countChecks(variant.checks);
    const others = countedAs(counts, ['accepted', 'blocked', ...WITHOUT_VERDICT]);
    return html`<td>${[`${counts.passed} of ${variant.checks.length} passed`, ...others].join(', ')}</td>`;
  });
  const head = [
    html`<th scope="col">Check</th>`,
    ...checked.map(
      (variant) => html`<th scope="col">${variant.target ?? variant.name}<small>${variant.arch}</small></th>`,
    ),
  ];
  const body = [
    html`<tbody>${rows}</tbody>`,
    html`<tfoot><tr><th scope="row">Total</th>${totals}</tr></tfoot>`,
  ];
  return html`<section><h2>Checks</h2>
<p class="muted">Open a result to see what was found and measured.</p>
${table('Checks by package', head, body, 'matrix')}</section>`;
}

/** Failing checks come first, the rest in the order in which they ran. */
function distinctChecks(variants: readonly Variant[]): CheckResult[] {
  const byId = new Map<string, CheckResult>();
  for (const check of variants.flatMap((variant) => variant.checks)) {
    if (!byId.has(check.id)) byId.set(check.id, check);
  }
  const failed = new Set(
    variants.flatMap((v) =>
      v.checks.filter((c) => c.status === 'failed' || c.status === 'accepted').map((c) => c.id),
    ),
  );
  const all = [...byId.values()];
  return [...all.filter((c) => failed.has(c.id)), ...all.filter((c) => !failed.has(c.id))];
}

function cell(variant: Variant, id: string): Html {
  const results = variant.checks.filter((check) => check.id === id);
  if (results.length === 0) return html`<td class="absent"><span class="muted">not run</span></td>`;
  const order = ['failed', 'accepted', 'blocked', ...WITHOUT_VERDICT, 'passed'] as const;
  const status = order.find((each) => results.some((c) => c.status === each)) ?? 'passed';
  return html`<td class="${status}">${results.map(result)}</td>`;
}

function result(check: CheckResult): Html {
  const { symbol, text } = CHECK_STATUS[check.status];
  const mark = html`<span class="mark"><span aria-hidden="true">${symbol}</span> ${text}</span>`;
  const measured = Object.entries(check.figures);
  if (check.message === '' && measured.length === 0) return mark;
  const hover = [check.message, ...measured.map(([name, value]) => `${name}: ${value}`)].filter(
    (t) => t !== '',
  );
  const message = check.message === '' ? nothing : html`<p>${check.message}</p>`;
  return html`<details title="${hover.join('\n')}"><summary>${mark}</summary>${message}${figures(check)}</details>`;
}

function figures(check: CheckResult): Html {
  const entries = Object.entries(check.figures);
  if (entries.length === 0) return nothing;
  const show = (value: number | string): string => (typeof value === 'number' ? formatNumber(value) : value);
  return html`<dl class="figures">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${show(value)}</dd></div>`)}</dl>`;
}

function reference(check: CheckResult): Html {
  return check.reference === undefined ? nothing : html` ${link(check.reference, 'Reference')}`;
}
