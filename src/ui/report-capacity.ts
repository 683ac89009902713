import { capacityOf, parsePorts, type RelayRange } from '../plan/capacity.ts';
import { formatBytes, formatNumber } from './format.ts';
import { columns, type Html, html, nothing, numberColumn, section, table } from './html.ts';
import type { Variant } from './outcome.ts';

/** Relayed participants per call, from a call of two to a meeting. */
const PARTICIPANTS = [2, 3, 4, 6, 8, 12];
/** Dimensions of the chart, in units of its view box. */
const CHART = { width: 720, bar: 22, gap: 8, left: 150, right: 90 };

/** The capacity of a machine with these packages: measured resources per allocation, and the planning formula. */
export function capacity(variants: readonly Variant[]): Html {
  const measured = variants.filter((variant) => relayOf(variant) !== undefined);
  if (measured.length === 0) return nothing;
  const ranges = [...new Set(measured.map((variant) => variant.facts.relayPorts as string))];
  const rows = measured.map((variant) => row(variant, relayOf(variant) as RelayRange));
  const head = [
    ...columns('Package', 'Relay ports'),
    ...['Allocations per address', 'LimitNOFILE', 'Files per allocation', 'Memory per allocation'].map(
      numberColumn,
    ),
    numberColumn('Memory for all ports'),
  ];
  return section(
    'capacity',
    'Capacity',
    html`<p class="muted">Each allocation takes one relay port of one relay address. Files and memory were measured with all ports of a pool in use. <code>turnbuild capacity</code> uses the same formula.</p>
${table('Capacity by package', head, [html`<tbody>${rows}</tbody>`], 'capacity')}
${ranges.map(chart)}`,
  );
}

/** The recorded relay range; undefined if it is invalid, which a foreign configuration may cause. */
function relayOf(variant: Variant): RelayRange | undefined {
  const { relayPorts } = variant.facts;
  if (typeof relayPorts !== 'string') return undefined;
  try {
    return parsePorts(relayPorts);
  } catch {
    return undefined;
  }
}

function row(variant: Variant, range: RelayRange): Html {
  const { ports, openFiles } = capacityOf(planned(range, 2));
  const figures = variant.checks.find((check) => check.id === 'capacity.ports')?.figures ?? {};
  const [files, bytes] = [figures['files per allocation'], figures['resident bytes per allocation']];
  const absent = html`<span class="muted">not measured</span>`;
  const memory = typeof bytes === 'number' ? formatBytes(bytes) : absent;
  const full = typeof bytes === 'number' ? formatBytes(bytes * ports) : absent;
  return html`<tr><th scope="row">${variant.name}</th><td>${range.minPort}-${range.maxPort}</td>
<td class="number">${formatNumber(ports)}</td><td class="number">${formatNumber(openFiles)}</td>
<td class="number">${typeof files === 'number' ? formatNumber(files) : absent}</td><td class="number">${memory}</td><td class="number">${full}</td></tr>
`;
}

/** Calls of a machine with one relay address and one allocation per participant. */
function planned(range: RelayRange, participants: number) {
  return { range, addresses: 1, participants, allocations: 1, pairs: false };
}

function chart(ports: string): Html {
  const range = parsePorts(ports);
  const calls = PARTICIPANTS.map((participants) => capacityOf(planned(range, participants)).calls);
  const most = Math.max(...calls);
  const { width, bar, gap, left, right } = CHART;
  const height = PARTICIPANTS.length * (bar + gap);
  const bars = PARTICIPANTS.map((participants, index) => {
    const count = calls[index] ?? 0;
    const y = index * (bar + gap);
    const length = Math.round(((width - left - right) * count) / most);
    const middle = y + bar / 2;
    return html`<text x="${left - 10}" y="${middle}" text-anchor="end">${participants} participants</text>
<rect x="${left}" y="${y}" width="${length}" height="${bar}" rx="3"/>
<text x="${left + length + 8}" y="${middle}">${formatNumber(count)}</text>
`;
  });
  const title = `Simultaneous calls on one relay address with ports ${ports}`;
  return html`<figure class="chart"><figcaption>${title}, by relayed participants per call</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
${bars}</svg></figure>`;
}
