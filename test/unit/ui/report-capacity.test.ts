import { expect, test } from 'vitest';
import type { CheckResult } from '../../../src/manifest/schema.ts';
import { variantsOf } from '../../../src/ui/outcome.ts';
import { capacity } from '../../../src/ui/report-capacity.ts';
import { fixture, rowsOf } from './manifest-fixture.ts';

/** The section of a release whose packages have these relay ports and figures. */
function section(
  relayPorts: unknown,
  figures: Record<string, number> = {},
  others: CheckResult[] = [],
): string {
  const manifest = fixture();
  const steps = manifest.steps.map((step) =>
    step.stage === 'verify'
      ? {
          ...step,
          facts: { relayPorts },
          checks: [
            ...others,
            {
              id: 'capacity.ports',
              title: 't',
              reason: 'r',
              status: 'passed' as const,
              message: '',
              figures,
            },
          ],
        }
      : step,
  );
  return capacity(variantsOf({ ...manifest, steps })).safe;
}

test('shows the cost of an allocation and of a full port range', () => {
  const text = section('49152-65534', { 'files per allocation': 1, 'resident bytes per allocation': 24_576 });
  expect(text).toMatch(
    /<td>49152-65534<\/td>\s*<td class="number">16,383<\/td><td class="number">33,766<\/td>/,
  );
  // 24 KiB for each of 16,383 ports.
  expect(text).toMatch(/24\.0 KiB<\/td><td class="number">384\.0 MiB</);
});

test('draws the number of calls, with one bar for each size of a call', () => {
  const text = section('49152-65534');
  expect(text.match(/<rect /g)).toHaveLength(6);
  expect(text).toMatch(/2 participants<\/text>\s*<rect [^>]*width="480"[^>]*>\s*<text [^>]*>8,191</);
  expect(text).toMatch(/8 participants<\/text>\s*<rect [^>]*width="120"[^>]*>\s*<text [^>]*>2,047</);
});

test('draws the bars below each other within the picture, with labels beside them', () => {
  const text = section('49152-65534');
  const [, width = 0, height = 0] = /viewBox="0 0 (\d+) (\d+)"/.exec(text)?.map(Number) ?? [];
  const number = (tag: string, name: string) => Number(new RegExp(` ${name}="(-?[\\d.]+)"`).exec(tag)?.[1]);
  const tags = (name: string) => text.match(new RegExp(`<${name} [^>]*>`, 'g')) ?? [];
  const bars = tags('rect').map((tag) => ({
    top: number(tag, 'y'),
    bottom: number(tag, 'y') + number(tag, 'height'),
    left: number(tag, 'x'),
    right: number(tag, 'x') + number(tag, 'width'),
  }));
  for (const [index, bar] of bars.entries()) {
    expect(bar.top).toBeGreaterThan(index === 0 ? -1 : (bars[index - 1]?.bottom ?? 0));
    expect(bar.bottom).toBeLessThanOrEqual(height);
    const labels = tags('text').slice(2 * index, 2 * index + 2);
    const [before, after] = labels.map((tag) => number(tag, 'x'));
    expect(before).toBeLessThan(bar.left);
    expect(after).toBeGreaterThan(bar.right);
    expect(after).toBeLessThan(width);
    for (const tag of labels) expect(number(tag, 'y')).toBe((bar.top + bar.bottom) / 2);
  }
});

test('draws each port range once, and lists each package in a row', () => {
  expect(section('49152-65534').match(/<svg /g)).toHaveLength(1);
  expect(rowsOf(section('49152-65534'))).toHaveLength(1 + 4);
});

test('marks figures that were not measured, and is empty without valid relay ports', () => {
  const cellsOf = (figures: Record<string, number>) => rowsOf(section('49152-65534', figures))[1]?.slice(4);
  expect(cellsOf({})).toEqual(Array(3).fill('not measured'));
  expect(cellsOf({ 'files per allocation': 1.5 })).toEqual(['1.5', 'not measured', 'not measured']);
  // Figures of other checks are ignored.
  const other = fixture().steps.find(({ checks }) => checks !== undefined);
  expect(section('49152-65534', { 'files per allocation': 2 }, other?.checks?.slice(0, 1))).toContain('>2<');
  expect(section(undefined)).toBe('');
  // A configuration may have any range.
  expect(section('65535-1024')).toBe('');
});
