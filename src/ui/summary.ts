import { isImage } from '../manifest/package-kinds.ts';
import type { Manifest } from '../manifest/schema.ts';
import { countedAs, WITHOUT_VERDICT } from './check-status.ts';
import { type ExposureState, exposuresOf } from './exposure.ts';
import { alignColumns, formatBytes, formatNumber, plural, printable, wrap } from './format.ts';
import {
  causesOf,
  countChecks,
  countFiles,
  failedSteps,
  isBad,
  metricTotal,
  type Variant,
  variantsOf,
  verdictOf,
} from './outcome.ts';
import { advisoryLines, type Paint } from './severity.ts';

export interface SummaryOptions {
  /** Folder of the results, as shown to the user. */
  dir: string;
  /** Width of the terminal; 80 without a terminal. */
  columns: number;
  /** Whether to use colours and Unicode symbols; otherwise the text is plain ASCII. */
  color: boolean;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

/** The final output of `turnbuild release` and `turnbuild image`: packages, images, sizes, hashes, checks, metrics, advisories, and paths. */
export function renderSummary(manifest: Manifest, options: SummaryOptions): string {
  const paint: Paint = (text, style) => (options.color ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
  const variants = variantsOf(manifest);
  const sections = [
    [title(manifest, variants, paint), ...causes(variants, options, paint)],
    ...fileTables(variants, options, paint),
    problems(manifest, variants, options, paint),
    figures(variants, paint),
    [
      ...advisoryLines('this coturn version', manifest.advisories, options.columns, paint),
      ...exposed(manifest, options.columns),
    ],
    [
      `${paint('Files ', 'dim')}  ${printable(options.dir)}`,
      `${paint('Report', 'dim')}  ${printable(options.dir.replace(/\/$/, ''))}/report.html`,
    ],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function title(manifest: Manifest, variants: readonly Variant[], paint: Paint): string {
  const { packages, images } = countFiles(variants);
  const counted = [plural(packages, 'package'), ...(images > 0 ? [plural(images, 'machine image')] : [])];
  const name = `coturn ${printable(manifest.packageVersion)}`;
  const verdict = {
    passed: paint('every check that ran passed', 'green'),
    accepted: paint(
      'checks failed because of accepted advisories; all other checks that ran passed',
      'yellow',
    ),
    failed: paint('FAILED', 'red'),
    unverified: paint('NOT VERIFIED', 'yellow'),
  }[verdictOf(manifest)];
  return `${paint(name, 'bold')}: ${counted.join(', ')}, ${verdict}`;
}

/** Known causes of failures. */
function causes(variants: readonly Variant[], options: SummaryOptions, paint: Paint): string[] {
  return causesOf(variants).flatMap(({ cause, variants: names }) => {
    const all = names.length === variants.length;
    return bullet(all ? cause : `${names.join(', ')}: ${cause}`, options.columns).map((line) =>
      paint(line, 'red'),
    );
  });
}

/** The tables of packages and of machine images. */
function fileTables(variants: readonly Variant[], options: SummaryOptions, paint: Paint): string[][] {
  const tables = (['PACKAGE', 'IMAGE'] as const)
    .map((kind) => files(kind, variants, options, paint))
    .filter((lines) => lines.length > 0);
  if (tables.length > 0 && !showsHashes(options)) tables.at(-1)?.push('The full hashes are in the report.');
  return tables;
}

/** Whether `  sha256 ` and 64 digits fit. */
const showsHashes = ({ columns }: SummaryOptions) => columns >= 73;

function files(
  kind: 'PACKAGE' | 'IMAGE',
  variants: readonly Variant[],
  options: SummaryOptions,
  paint: Paint,
): string[] {
  const entries = variants.flatMap((variant) =>
    variant.packages
      .filter((file) => isImage(file) === (kind === 'IMAGE'))
      .map((file) => ({
        sha256: file.sha256,
        name: printable(file.path.slice(file.path.lastIndexOf('/') + 1)),
        size: formatBytes(file.size),
        status: checkStatus(variant),
        bad: variant.checks.some(isBad),
      })),
  );
  if (entries.length === 0) return [];
  const rows = entries.map(({ name, size, status }) => [name, size, status]);
  const aligned = alignColumns([[kind, 'SIZE', 'CHECKS'], ...rows], new Set([1]));
  const fits = aligned.every((line) => line.length <= options.columns);
  const whole = showsHashes(options);
  const body = entries.flatMap(({ sha256, name, size, status, bad }, i) => {
    const line = fits ? (aligned[i + 1] ?? '') : name;
    return [
      bad ? paint(line, 'red') : line,
      ...(fits ? [] : [`  ${size}, ${status}`]),
      `  ${paint('sha256', 'dim')} ${whole ? sha256 : `${sha256.slice(0, 16)}...`}`,
    ];
  });
  const head = paint(fits ? (aligned[0] ?? '') : `${kind}S`, 'dim');
  return [head, ...body];
}

function checkStatus(variant: Variant): string {
  const counts = countChecks(variant.checks);
  const withoutVerdict = WITHOUT_VERDICT.reduce((sum, status) => sum + counts[status], 0);
  if (variant.checks.length === 0) return 'none ran';
  const rest = [
    ...(counts.failed > 0 ? [`${counts.failed} FAILED`] : []),
    ...countedAs(counts, ['blocked', 'accepted']),
    // A single count, so that the line fits; the report has each kind.
    ...(withoutVerdict > 0 ? [`${withoutVerdict} not run`] : []),
    ...(variant.verified || counts.failed + counts.blocked > 0 ? [] : ['NOT VERIFIED']),
  ];
  return [`${counts.passed}/${variant.checks.length} passed`, ...rest].join(', ');
}

function problems(
  manifest: Manifest,
  variants: readonly Variant[],
  options: SummaryOptions,
  paint: Paint,
): string[] {
  const checks = variants.flatMap(({ name, checks: own }) =>
    own
      .filter(({ status }) => status === 'failed' || status === 'accepted')
      .map(({ id, status, title, message }) => {
        const remark = status === 'accepted' ? ', accepted' : '';
        return { name, text: firstLine(`${title} (${id}${remark}): ${message}`) };
      }),
  );
  const blocked = variants.flatMap(blockedChecks);
  // Steps that failed because of their checks are omitted: the checks are listed themselves.
  const silent = failedSteps(manifest).filter(({ checks: own }) => !(own ?? []).some(isBad));
  const steps = silent.map(({ id, error, log }) => ({
    name: `step ${id}`,
    text: `${firstLine(error ?? 'no message')}${log === undefined ? '' : `; log: ${log}`}`,
  }));
  const list = [...checks, ...blocked, ...steps];
  return list.length === 0
    ? []
    : [paint('Failures', 'red'), ...eachOnce(list).flatMap((text) => bullet(text, options.columns))];
}

/** Each text once, with all names that share it. */
function eachOnce(list: readonly { name: string; text: string }[]): string[] {
  const names = new Map<string, string[]>();
  for (const { name, text } of list) names.set(text, [...(names.get(text) ?? []), name]);
  return [...names].map(([text, own]) => `${own.join(', ')}: ${text}`);
}

/** `40 checks could not run (blocked by network.ttl)` */
function blockedChecks({ name, checks }: Variant): { name: string; text: string }[] {
  const own = checks.filter(({ status }) => status === 'blocked');
  if (own.length === 0) return [];
  const by = [...new Set(own.map(({ blockedBy }) => blockedBy ?? ''))].join(', ');
  return [{ name, text: `${plural(own.length, 'check')} could not run (blocked by ${by})` }];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function bullet(text: string, width: number): string[] {
  return wrap(printable(text), Math.max(20, width - 4)).map(
    (line, i) => `${i === 0 ? '  - ' : '    '}${line}`,
  );
}

/** The advisories to which the shipped configuration exposes the packages. */
function exposed(manifest: Manifest, columns: number): string[] {
  const all = exposuresOf(manifest);
  if (all.length === 0) return [];
  const named = (state: ExposureState) =>
    all.filter((each) => each.state === state).map(({ advisory }) => printable(advisory.id));
  const [yes, unknown] = [named('exposed'), named('unknown')];
  const parts = [
    yes.length === 0
      ? 'The shipped configuration exposes none of them.'
      : `The shipped configuration exposes ${yes.length} of them: ${yes.join(', ')}.`,
    ...(unknown.length === 0 ? [] : [`Whether it exposes ${plural(unknown.length, 'other')} is unknown.`]),
    'See the report for the reasons.',
  ];
  return wrap(parts.join(' '), columns);
}

/** The server's peer traffic counters, for comparison with the number of messages sent. */
function figures(variants: readonly Variant[], paint: Paint): string[] {
  const scraped = variants.filter((variant) => Object.keys(variant.metrics).length > 0);
  if (scraped.length === 0) return [];
  const show = (variant: Variant, name: string): string => {
    const total = metricTotal(variant.metrics, name);
    return total === undefined ? '-' : formatNumber(total);
  };
  const rows = scraped.map((variant) => [
    printable(variant.name),
    show(variant, 'turn_total_traffic_peer_rcvp'),
    show(variant, 'turn_total_traffic_peer_sentp'),
    show(variant, 'turn_total_traffic_peer_rcvb'),
    show(variant, 'turn_total_traffic_peer_sentb'),
    show(variant, 'turn_total_allocations'),
  ]);
  const heads = [
    ['', 'PACKETS', 'PACKETS', 'BYTES', 'BYTES', 'ALLOCATIONS'],
    ['PROMETHEUS', 'FROM PEERS', 'TO PEERS', 'FROM PEERS', 'TO PEERS', 'NOW'],
  ];
  const [first = '', second = '', ...lines] = alignColumns([...heads, ...rows], new Set([1, 2, 3, 4, 5]));
  return [paint(first, 'dim'), paint(second, 'dim'), ...lines];
}
