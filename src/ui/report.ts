import type { Manifest } from '../manifest/schema.ts';
import { type Html, html, nothing } from './html.ts';
import { variantsOf, verdictOf } from './outcome.ts';
import { advisories } from './report-advisories.ts';
import { artifacts } from './report-artifacts.ts';
import { capacity } from './report-capacity.ts';
import { checkMatrix } from './report-checks.ts';
import { diskSpace } from './report-disk.ts';
import { failures } from './report-failures.ts';
import { headline, VERDICTS } from './report-head.ts';
import { metrics } from './report-metrics.ts';
import { notRun } from './report-not-run.ts';
import { bases, source } from './report-origin.ts';
import { facts, timings } from './report-steps.ts';
import { REPORT_STYLE } from './report-style.ts';

/**
 * The manifest as one HTML page that helps decide whether to trust the packages: the verdict first, then the problems. It is
 * self-contained: it runs no script and loads nothing, which its Content-Security-Policy enforces.
 */
export function renderReport(manifest: Manifest, extra: { turnbuildVersion: string }): string {
  const variants = variantsOf(manifest);
  const release = manifest.packageVersion;
  const sections: readonly (readonly [id: string, title: string, content: Html])[] = [
    ['failures', 'Failures', failures(manifest, variants)],
    ['advisories', 'Advisories', advisories(manifest)],
    ['not-run', 'Not run', notRun(manifest, variants)],
    ['packages', 'Packages', artifacts(manifest)],
    ['checks', 'Checks', checkMatrix(variants)],
    ['usage', 'Disk space', diskSpace(variants)],
    ['capacity', 'Capacity', capacity(variants)],
    ['metrics', 'Prometheus metrics', metrics(variants)],
    ['source', 'Source', source(manifest)],
    ['bases', 'Base images', bases(manifest)],
    ['facts', 'Build facts', facts(manifest)],
    ['steps', 'Steps', timings(manifest)],
  ];
  const present = sections.filter(([, , content]) => content !== nothing);
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
${headline(manifest, variants)}
<nav aria-label="Contents"><ul>${present.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${present.map(([, , content]) => content)}
</main>
<footer>Rendered by turnbuild ${extra.turnbuildVersion} from the manifest.json beside this page (schema ${manifest.schema}).</footer>
</body>
</html>
`;
  return page.safe;
}
