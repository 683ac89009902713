import type { Advisory } from '../manifest/schema.ts';
import { alignColumns, printable, wrap } from './format.ts';

/** Applies a style to text, or returns it unchanged. */
export type Paint = (text: string, style: 'bold' | 'dim' | 'red' | 'green' | 'yellow') => string;

const ORDER: readonly Advisory['severity'][] = ['critical', 'high', 'medium', 'low'];

/** A copy, most severe first. The sort is stable. */
export function bySeverity(list: readonly Advisory[]): Advisory[] {
  return [...list].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}

/** A heading, and each advisory with its severity and the release that fixes it, in two columns if they fit. Empty without advisories. */
export function advisoryLines(
  what: string,
  advisories: readonly Advisory[],
  columns: number,
  paint: Paint = (text) => text,
): string[] {
  if (advisories.length === 0) return [];
  const list = bySeverity(advisories);
  const style = (severity: Advisory['severity']): 'red' | 'yellow' | 'dim' =>
    severity === 'critical' || severity === 'high' ? 'red' : severity === 'medium' ? 'yellow' : 'dim';
  const entries = alignColumns(
    list.map((a) => [`  ${a.severity}`, printable(a.id), printable(a.fixed)]),
    new Set(),
  );
  const width = Math.max(...entries.map((entry) => entry.length)) + 2;
  const half = 2 * width <= columns + 2 ? Math.ceil(entries.length / 2) : entries.length;
  const cell = (index: number, pad: number): string =>
    paint((entries[index] ?? '').padEnd(pad), style(list[index]?.severity ?? 'low'));
  const lines = entries
    .slice(0, half)
    .map((_, i) => (i + half < entries.length ? cell(i, width) + cell(i + half, 0) : cell(i, 0)));
  const heading = wrap(
    `Known vulnerabilities of ${what} (${list.length}) and the release that fixes each:`,
    columns,
  );
  return [...heading.map((line) => paint(line, 'bold')), ...lines];
}
