import type { Advisory, Manifest } from '../manifest/schema.ts';
import { CHECK_STATUS, WITHOUT_VERDICT } from './check-status.ts';
import { exposuresOf } from './exposure.ts';
import { plural } from './format.ts';
import { type Html, html, nothing } from './html.ts';
import {
  causesOf,
  countChecks,
  countFiles,
  imagesAlone,
  isBad,
  type Variant,
  type Verdict,
  verdictOf,
  verifiedAt,
} from './outcome.ts';

export const VERDICTS: Record<Verdict, { symbol: string; text: string }> = {
  passed: { symbol: '✓', text: 'Every check that ran passed' },
  accepted: { symbol: '!', text: 'Known vulnerabilities accepted' },
  failed: { symbol: '✗', text: 'Failed' },
  unverified: { symbol: '?', text: 'Not verified' },
};

/** The verdict, the known advisories, and totals. */
export function headline(manifest: Manifest, variants: readonly Variant[]): Html {
  const verdict = verdictOf(manifest);
  // Green means that nothing is left to decide.
  const kind = verdict === 'passed' && isWorrying(manifest) ? 'passed worrying' : verdict;
  const symbol = kind === 'passed worrying' ? '!' : VERDICTS[verdict].symbol;
  return html`<header>
<p class="muted">turnbuild release report, ${verified(manifest)}</p>
<h1>coturn ${manifest.packageVersion}</h1>
<p class="verdict ${kind}"><span aria-hidden="true">${symbol}</span> ${VERDICTS[verdict].text}<span class="why">${why(manifest, variants, verdict)}</span></p>
${known(manifest)}
<dl class="tiles">${tiles(manifest, variants)}</dl>
</header>`;
}

function verified(manifest: Manifest): Html {
  const at = verifiedAt(manifest);
  if (at === undefined) return html`date of verification not recorded`;
  return html`verified <time datetime="${at}">${at.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, '$1 $2 UTC')}</time>`;
}

const isSevere = ({ severity }: Advisory) => severity === 'critical' || severity === 'high';

function isWorrying(manifest: Manifest): boolean {
  return exposuresOf(manifest).some(({ advisory, state }) => isSevere(advisory) || state !== 'not-exposed');
}

/** How many advisories there are, and how many the packages are exposed to. */
function known(manifest: Manifest): Html {
  const all = exposuresOf(manifest);
  if (all.length === 0) return nothing;
  const exposed = all.filter(({ state }) => state === 'exposed').map(({ advisory }) => advisory);
  const unknown = all.filter(({ state }) => state === 'unknown').map(({ advisory }) => advisory);
  const parts = [
    exposed.length === 0 ? undefined : `exposed to ${exposed.length} of them (${severities(exposed)})`,
    unknown.length === 0 ? undefined : `possibly exposed to ${unknown.length} (${severities(unknown)})`,
  ].filter((part) => part !== undefined);
  const sentence = parts.length === 0 ? 'not exposed to any of them' : parts.join(', and ');
  return html`<p class="known ${exposed.length > 0 ? 'bad' : 'warn'}">coturn ${manifest.coturn.version} has <a href="#advisories">${all.length} known ${all.length === 1 ? 'advisory' : 'advisories'}</a> (${severities(all.map(({ advisory }) => advisory))}). The packages as shipped are ${sentence}.</p>`;
}

/** `1 critical, 8 high`. */
function severities(list: readonly Advisory[]): string {
  const counts = new Map<string, number>();
  for (const { severity } of list) counts.set(severity, (counts.get(severity) ?? 0) + 1);
  return [...counts].map(([severity, count]) => `${count} ${severity}`).join(', ');
}

function tiles(manifest: Manifest, variants: readonly Variant[]): Html[] {
  const counts = countChecks(variants.flatMap((variant) => variant.checks));
  const { packages, images } = countFiles(variants);
  const severe = manifest.advisories.filter(isSevere).length;
  return [
    tile('Packages', packages),
    ...(images > 0 ? [tile('Machine images', images)] : []),
    tile('Checks passed', counts.passed),
    tile('Checks failed', counts.failed, counts.failed > 0 ? 'bad' : ''),
    ...(counts.blocked > 0 ? [tile('Checks blocked', counts.blocked, 'warn')] : []),
    ...(counts.accepted > 0 ? [tile('Checks failed, accepted', counts.accepted, 'bad')] : []),
    ...WITHOUT_VERDICT.filter((status) => counts[status] > 0).map((status) =>
      tile(
        `Checks ${CHECK_STATUS[status].counted}`,
        counts[status],
        status === 'not-applicable' ? '' : 'warn',
      ),
    ),
    tile(
      `Known advisories${severe > 0 ? `, ${severe} high or critical` : ''}`,
      manifest.advisories.length,
      severe > 0 ? 'warn' : '',
    ),
  ];
}

function tile(label: string, value: number, kind = ''): Html {
  return html`<div class="${kind}"><dt>${label}</dt><dd>${value}</dd></div>`;
}

function why(manifest: Manifest, variants: readonly Variant[], verdict: Verdict): Html {
  if (verdict === 'passed') return nothing;
  if (verdict === 'accepted') {
    const known = variants.flatMap((v) => v.checks.filter((c) => c.status === 'accepted'));
    const ids = [...new Set(known.flatMap((c) => c.advisories ?? []))];
    return html`: checks failed because of ${ids.join(', ')}; all other checks that ran passed`;
  }
  if (verdict === 'failed') {
    const steps = manifest.steps.filter((step) => step.status === 'failed').length;
    const affected = variants.filter((v) => v.checks.some(isBad)).map((v) => v.name);
    const parts = [
      ...(affected.length > 0 ? [`checks of ${affected.join(', ')}`] : []),
      ...(steps > 0 ? [plural(steps, 'step')] : []),
    ];
    const causes = causesOf(variants).map(({ cause }) => cause);
    return causes.length === 0
      ? html`: ${parts.join('; ')}`
      : html`: ${causes.join('; ')} <small>${parts.join('; ')}</small>`;
  }
  const unchecked = variants.filter(
    (v) => v.packages.length > 0 && !v.checks.some((c) => c.status === 'passed'),
  );
  if (unchecked.length > 0) return html`: no check ran for ${unchecked.map((v) => v.name).join(', ')}`;
  const alone = imagesAlone(manifest).map(({ path }) => path);
  return alone.length > 0 ? html`: the package in ${alone.join(', ')} is missing` : html`: no packages`;
}
