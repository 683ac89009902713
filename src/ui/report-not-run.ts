import type { CheckResult, Manifest } from '../manifest/schema.ts';
import { judges } from '../manifest/stages.ts';
import { checkAnchor } from './anchors.ts';
import { plural } from './format.ts';
import { type Html, html, nothing, section } from './html.ts';
import { failedSteps, type Variant } from './outcome.ts';

type Kind = 'blocked' | 'cannot-here' | 'deselected' | 'not-applicable';

/** The kinds of checks without a verdict, and what each means. */
const KINDS: readonly (readonly [Kind, title: string, meaning: string])[] = [
  [
    'blocked',
    'Blocked',
    'Another check failed, so these could not run. A release with blocked checks fails.',
  ],
  ['cannot-here', 'Cannot run here', 'This machine or builder lacks a prerequisite of these checks.'],
  ['deselected', 'Deselected', 'Excluded by --only or --skip.'],
  ['not-applicable', 'Not applicable', 'These checks do not apply to what was built.'],
];

/** Checks that did not run for the same reason. */
interface Group {
  why: string;
  checks: Map<string, { title: string; variants: string[] }>;
}

/** Checks that did not run, by kind and by reason. */
export function notRun(manifest: Manifest, variants: readonly Variant[]): Html {
  const unchecked = variants.filter(({ packages, verified }) => packages.length > 0 && !verified);
  const parts = [
    ...(unchecked.length === 0
      ? []
      : [html`<p class="notice">Not verified: ${unchecked.map(({ name }) => name).join(', ')}.</p>`]),
    ...KINDS.map(([kind, title, meaning]) => kindOf(variants, { kind, title, meaning })),
  ].filter((part) => part !== nothing);
  const stopped = failedSteps(manifest).filter(({ stage }) => !judges(stage));
  if (stopped.length > 0)
    parts.push(html`<p>Steps that depend on ${stopped.map(({ id }) => id).join(', ')} were not run.</p>`);
  return section(
    'not-run',
    'Not run',
    parts.length === 0 ? html`<p>Every check that applies to a package ran on it.</p>` : html`${parts}`,
  );
}

function kindOf(
  variants: readonly Variant[],
  { kind, title, meaning }: { kind: Kind; title: string; meaning: string },
): Html {
  const groups = groupsOf(variants, kind);
  if (groups.length === 0) return nothing;
  const total = variants.reduce(
    (sum, { checks }) => sum + checks.filter(({ status }) => status === kind).length,
    0,
  );
  return html`<h3 id="not-run-${kind}">${title} (${total})</h3>
<p class="muted">${meaning}</p>
<ul class="reasons">${groups.map((group) => reason(group, variants))}</ul>
`;
}

function groupsOf(variants: readonly Variant[], kind: Kind): Group[] {
  const groups = new Map<string, Group>();
  for (const { name, checks } of variants) {
    for (const check of checks.filter(({ status }) => status === kind)) {
      const why = whyOf(check);
      const group = groups.get(why) ?? { why, checks: new Map() };
      const { variants: names } = group.checks.get(check.id) ?? { variants: [] };
      group.checks.set(check.id, { title: check.title, variants: [...names, name] });
      groups.set(why, group);
    }
  }
  return [...groups.values()];
}

function whyOf({ blockedBy, message }: CheckResult): string {
  if (blockedBy !== undefined) return `blocked by ${blockedBy}`;
  return message === '' ? 'no reason recorded' : message;
}

/** Lists checks; more than three are collapsed. */
function reason({ why, checks }: Group, variants: readonly Variant[]): Html {
  const entries = [...checks];
  const items = entries.map(
    ([id, { title, variants: names }]) =>
      html`<li>${title} <a href="#${checkAnchor(id)}"><code>${id}</code></a> <span class="muted">${where(names, variants)}</span></li>`,
  );
  const list = html`<ul>${items}</ul>`;
  return html`<li><strong>${why}</strong>${
    items.length > 3
      ? html`<details><summary>${plural(items.length, 'check')}</summary>${list}</details>`
      : list
  }</li>`;
}

function where(names: readonly string[], variants: readonly Variant[]): string {
  return names.length === variants.length && variants.length > 1 ? 'all packages' : names.join(', ');
}
