import type { Artifact, Manifest } from '../manifest/schema.ts';
import { exposuresOf } from './exposure.ts';
import { formatBytes, plural, printable } from './format.ts';
import { causesOf, countChecks, failedSteps, isBad, type Variant, variantsOf, verdictOf } from './outcome.ts';
import { VERDICTS } from './report-head.ts';

/** GitHub refuses a step's summary of more than 1 MiB, so only the first failures are listed. */
const MOST_FAILURES = 20;

/** The first screen of the report as Markdown, e.g. for the summary of a job: verdict, causes, packages, failures, advisories. */
export function renderMarkdown(manifest: Manifest): string {
  const variants = variantsOf(manifest);
  const { symbol, text } = VERDICTS[verdictOf(manifest)];
  const sections = [
    [`## coturn ${escaped(manifest.packageVersion)}`, '', `**${symbol} ${text}**`],
    causesOf(variants).map(
      ({ cause, variants: names }) => `- **${escaped(cause)}** (${escaped(names.join(', '))})`,
    ),
    files(variants),
    failures(manifest, variants),
    advisories(manifest),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function files(variants: readonly Variant[]): string[] {
  const rows = variants.flatMap((variant) => variant.packages.map((file) => row(variant, file)));
  return rows.length === 0
    ? []
    : ['| File | Size | Checks | SHA-256 |', '| --- | ---: | --- | --- |', ...rows];
}

function row(variant: Variant, { path, size, sha256 }: Artifact): string {
  const name = escaped(path.slice(path.lastIndexOf('/') + 1));
  return `| ${name} | ${formatBytes(size)} | ${checks(variant)} | \`${escaped(sha256)}\` |`;
}

function checks(variant: Variant): string {
  if (variant.checks.length === 0) return 'none ran';
  const counts = countChecks(variant.checks);
  const others = [
    ...(counts.failed > 0 ? [`**${counts.failed} failed**`] : []),
    ...(counts.blocked > 0 ? [`${counts.blocked} blocked`] : []),
    ...(counts.accepted > 0 ? [`${counts.accepted} failed, accepted`] : []),
    ...(variant.verified ? [] : ['not verified']),
  ];
  return [`${counts.passed} of ${variant.checks.length} passed`, ...others].join(', ');
}

function failures(manifest: Manifest, variants: readonly Variant[]): string[] {
  const failed = variants.flatMap(({ name, checks: own }) =>
    own
      .filter(({ status }) => status === 'failed')
      .map(({ id, title, message }) => `${name}: ${title} (${id}): ${message}`),
  );
  const silent = failedSteps(manifest).filter(({ checks: own }) => !(own ?? []).some(isBad));
  const all = [...failed, ...silent.map(({ id, error }) => `${id}: ${error ?? 'failed'}`)];
  if (all.length === 0) return [];
  const shown = all.slice(0, MOST_FAILURES).map((text) => `- ${escaped(text.split('\n', 1)[0] ?? '')}`);
  const left = all.length - shown.length;
  return ['### Failures', '', ...shown, ...(left > 0 ? [`- and ${plural(left, 'other')}`] : [])];
}

function advisories(manifest: Manifest): string[] {
  const all = exposuresOf(manifest);
  if (all.length === 0) return [];
  const exposed = all.filter(({ state }) => state === 'exposed').map(({ advisory }) => escaped(advisory.id));
  const unknown = all.filter(({ state }) => state === 'unknown').length;
  const parts = [
    `coturn ${escaped(manifest.coturn.version)} has ${all.length} known ${all.length === 1 ? 'advisory' : 'advisories'}.`,
    exposed.length === 0
      ? 'The shipped configuration exposes none of them.'
      : `The shipped configuration exposes ${exposed.length} of them: ${exposed.join(', ')}.`,
    ...(unknown === 0 ? [] : [`Whether it exposes ${plural(unknown, 'other')} is unknown.`]),
  ];
  return [parts.join(' ')];
}

/** Text without a meaning in Markdown or HTML, on one line. A failed check quotes what a server answered. */
function escaped(text: string): string {
  return printable(text)
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
