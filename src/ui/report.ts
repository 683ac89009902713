import type { Manifest } from '../manifest/schema.ts';
import { CHECK_STATUS, WITHOUT_VERDICT } from './check-status.ts';
import { plural } from './format.ts';
import { type Html, html, nothing } from './html.ts';
import { countChecks, isBad, type Variant, type Verdict, variantsOf, verdictOf } from './outcome.ts';
import { artifacts } from './report-artifacts.ts';
import { capacity } from './report-capacity.ts';
import { checkMatrix, failures } from './report-checks.ts';
import { metrics } from './report-metrics.ts';
import { advisories, bases, source } from './report-origin.ts';
import { facts, timings } from './report-steps.ts';
import { REPORT_STYLE } from './report-style.ts';

const VERDICTS: Record<Verdict, { symbol: string; text: string }> = {
  passed: { symbol: '✓', text: 'Every check that ran passed' },
  accepted: { symbol: '!', text: 'Known weaknesses accepted' },
  failed: { symbol: '✗', text: 'Failed' },
  unverified: { symbol: '?', text: 'Not verified' },
};

/**
 * The manifest as one HTML page for those who must decide whether to trust the packages.
 * It loads nothing (its own policy forbids it), runs no script, and needs nothing but the file.
 */
export function renderReport(manifest: Manifest, extra: { turnbuildVersion: string }): string {
  const variants = variantsOf(manifest);
  const release = manifest.packageVersion;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>coturn ${release}: ${VERDICTS[verdictOf(manifest)].text.toLowerCase()}</title>
<style>${{ safe: REPORT_STYLE }}</style>
</head>
<body>
<main>
${headline(manifest, variants, release)}
${failures(manifest, variants)}
${artifacts(manifest)}
${checkMatrix(variants)}
${capacity(variants)}
${metrics(variants)}
${source(manifest)}
${advisories(manifest)}
${bases(manifest)}
${facts(manifest)}
${timings(manifest)}
</main>
<footer>Made by turnbuild ${extra.turnbuildVersion} from manifest.json, schema ${manifest.schema}, which lies next to this page.</footer>
</body>
</html>
`;
  return page.safe;
}

function headline(manifest: Manifest, variants: readonly Variant[], release: string): Html {
  const verdict = verdictOf(manifest);
  const { symbol, text } = VERDICTS[verdict];
  const counts = countChecks(variants.flatMap((variant) => variant.checks));
  const packages = variants.reduce((sum, variant) => sum + variant.packages.length, 0);
  const severe = manifest.advisories.filter((a) => a.severity === 'critical' || a.severity === 'high').length;
  const tiles: Html[] = [
    tile('Packages', packages),
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
  return html`<header>
<p class="muted">turnbuild release report</p>
<h1>coturn ${release}</h1>
<p class="verdict ${verdict}"><span aria-hidden="true">${symbol}</span> ${text}<span class="why">${why(manifest, variants, verdict)}</span></p>
<dl class="tiles">${tiles}</dl>
</header>`;
}

function tile(label: string, value: number, kind = ''): Html {
  return html`<div class="${kind}"><dt>${label}</dt><dd>${value}</dd></div>`;
}

function why(manifest: Manifest, variants: readonly Variant[], verdict: Verdict): Html {
  if (verdict === 'passed') return nothing;
  if (verdict === 'accepted') {
    const known = variants.flatMap((v) => v.checks.filter((c) => c.status === 'accepted'));
    const ids = [...new Set(known.flatMap((c) => c.advisories ?? []))];
    return html`: checks failed for ${ids.join(', ')}, all others that ran passed`;
  }
  if (verdict === 'failed') {
    const steps = manifest.steps.filter((step) => step.status === 'failed').length;
    const affected = variants.filter((v) => v.checks.some(isBad)).map((v) => v.name);
    const parts = [
      ...(affected.length > 0 ? [`checks of ${affected.join(', ')}`] : []),
      ...(steps > 0 ? [plural(steps, 'step')] : []),
    ];
    return html`: ${parts.join('; ')}`;
  }
  const unchecked = variants.filter(
    (v) => v.packages.length > 0 && !v.checks.some((c) => c.status === 'passed'),
  );
  return unchecked.length === 0
    ? html`: there is no package`
    : html`: no check ran for ${unchecked.map((v) => v.name).join(', ')}`;
}
