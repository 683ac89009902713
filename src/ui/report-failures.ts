import type { Manifest } from '../manifest/schema.ts';
import { checkAnchor, fileAddress } from './anchors.ts';
import { plural } from './format.ts';
import { type Html, html, nothing, section } from './html.ts';
import { causesOf, failedSteps, isBad, type Variant } from './outcome.ts';
import { figures, reference } from './report-check.ts';

/** All failures, untruncated. They come first on the page, because they matter most. */
export function failures(manifest: Manifest, variants: readonly Variant[]): Html {
  // Steps that failed because of their checks are omitted: the checks are listed themselves.
  const silent = failedSteps(manifest).filter(({ checks }) => !(checks ?? []).some(isBad));
  const steps = silent.map(
    (step) => html`<article class="failure"><h3>Step ${step.id}</h3>
<pre>${step.error ?? 'no message'}</pre>${step.log === undefined ? nothing : html`<p>Log: <a href="${fileAddress(step.log)}"><code>${step.log}</code></a></p>`}</article>
`,
  );
  const checks = failedChecks(variants);
  const untried = variants.flatMap(({ name, checks: all }) => {
    const own = all.filter(({ status }) => status === 'blocked');
    const by = [...new Set(own.map(({ blockedBy }) => blockedBy ?? ''))].join(', ');
    return own.length === 0
      ? []
      : [
          html`<p>${name}: ${plural(own.length, 'check')} could not run, blocked by <code>${by}</code>. <a href="#not-run-blocked">Which ones</a></p>`,
        ];
  });
  if (steps.length + checks.length + untried.length === 0) return nothing;
  return section('failures', 'Failures', html`${causes(variants)}${checks}${steps}${untried}`);
}

/** Failed checks. Packages with the same result share an article. */
function failedChecks(variants: readonly Variant[]): Html[] {
  const found = new Map<string, { title: string; names: string[]; content: Html }>();
  for (const { name, checks } of variants) {
    for (const check of checks.filter(({ status }) => status === 'failed' || status === 'accepted')) {
      const title = `${check.title}${check.status === 'accepted' ? ' (accepted)' : ''}`;
      const content = html`<pre>${check.message}</pre>${figures(check)}
<p>${check.reason} <a href="#${checkAnchor(check.id)}"><code>${check.id}</code></a>${reference(check)}</p>`;
      const key = `${title}\n${content.safe}`;
      found.set(key, { title, content, names: [...(found.get(key)?.names ?? []), name] });
    }
  }
  return [...found.values()].map(
    ({ title, names, content }) => html`<article class="failure"><h3>${names.join(', ')}: ${title}</h3>
${content}</article>
`,
  );
}

/** Known causes of failures. */
function causes(variants: readonly Variant[]): Html {
  const found = causesOf(variants);
  if (found.length === 0) return nothing;
  return html`<ul class="causes">${found.map(
    ({ cause, variants: names }) =>
      html`<li><strong>${cause}</strong> <small>${names.join(', ')}</small></li>`,
  )}</ul>`;
}
