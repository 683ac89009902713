import type { Manifest, ManifestStep } from '../manifest/schema.ts';
import { formatDuration } from './format.ts';
import { columns, folded, type Html, hash, html, nothing, numberColumn, section, table } from './html.ts';

/** Longer lists, such as a toolchain, are collapsed. */
const INLINE = 12;

/** Facts recorded by the steps (features, compiler, tool versions): one table per stage, one column per step. */
export function facts(manifest: Manifest): Html {
  const noted = manifest.steps.filter((step) => namesOf(step).length > 0);
  if (noted.length === 0) return nothing;
  const stages = [...new Set(noted.map((step) => step.stage))];
  const tables = stages.map((stage) =>
    stageFacts(
      stage,
      noted.filter((step) => step.stage === stage),
    ),
  );
  return section('facts', 'Build facts', html`${tables}`);
}

/** The step's facts, without those that have a section of their own. */
function namesOf({ facts }: ManifestStep): string[] {
  return Object.keys(facts ?? {}).filter((name) => name !== 'usage');
}

function stageFacts(stage: string, steps: readonly ManifestStep[]): Html {
  const names = [...new Set(steps.flatMap(namesOf))];
  const rows = names.map((name) => {
    const cells = steps.map((step) => html`<td class="prose">${fact(step.facts?.[name])}</td>`);
    return html`<tr><th scope="row">${name}</th>${cells}</tr>
`;
  });
  const head = columns('Fact', ...steps.map((step) => where(step)));
  return table(`Facts of the ${stage} stage`, head, [html`<tbody>${rows}</tbody>`], 'facts');
}

/** Scalars as they are, lists of them joined, maps as pairs; anything deeper as JSON. */
function fact(value: unknown): Html {
  if (value === undefined) return html`<span class="muted">none</span>`;
  if (isScalar(value)) return html`${scalar(value)}`;
  if (Array.isArray(value) && value.every(isScalar)) {
    if (value.length > INLINE)
      return listed(value.map((each) => html`<li><code>${scalar(each)}</code></li>`));
    return value.length === 0 ? html`<span class="muted">none</span>` : html`${value.map(scalar).join(', ')}`;
  }
  const entries = Array.isArray(value) ? [] : Object.entries(value as object);
  if (entries.length > 0 && entries.every(([, v]) => isScalar(v))) {
    return listed(entries.map(([name, v]) => html`<li><code>${name} ${scalar(v)}</code></li>`));
  }
  return html`<code>${JSON.stringify(value)}</code>`;
}

/** A collapsed list. */
function listed(items: readonly Html[]): Html {
  return folded(`${items.length} entries`, html`<ul class="packages">${items}</ul>`, 'long');
}

function isScalar(value: unknown): boolean {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function scalar(value: unknown): string {
  if (value === null || value === '') return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

/** The time and the input digest of each step. */
export function timings(manifest: Manifest): Html {
  const total = manifest.steps.reduce((sum, step) => sum + step.seconds, 0);
  const rows = manifest.steps.map(
    (step) => html`<tr><th scope="row">${step.id}</th><td>${step.stage}</td><td>${where(step)}</td>
<td>${step.status === 'done' ? '✓ done' : '✗ failed'}</td><td class="number">${formatDuration(step.seconds)}</td>
<td>${step.log === undefined ? html`<span class="muted">none</span>` : html`<code>${step.log}</code>`}</td><td>${hash(step.key)}</td></tr>
`,
  );
  const head = [
    ...columns('Step', 'Stage', 'Package', 'Status'),
    numberColumn('Time'),
    ...columns('Log', 'Input digest'),
  ];
  const foot = html`<tfoot><tr><th scope="row">Total</th><td colspan="3"></td><td class="number">${formatDuration(total)}</td><td colspan="2"></td></tr></tfoot>`;
  return section(
    'steps',
    'Steps',
    html`<p class="muted">Steps run in parallel, so their total can exceed the elapsed time.</p>
${table('Steps and their times', head, [html`<tbody>${rows}</tbody>`, foot], 'steps')}`,
  );
}

function where(step: ManifestStep): string {
  return [step.cloud ?? step.target, step.arch].filter((part) => part !== undefined).join(' / ') || 'all';
}
