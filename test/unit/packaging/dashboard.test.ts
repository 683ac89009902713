import { describe, expect, it } from 'vitest';
import { layoutDashboard } from '../../../src/packaging/dashboard.ts';
import type { Dashboard } from '../../../src/recipe/monitoring.ts';
import { METRIC_VERSIONS, shippedMonitoring } from '../../support/monitoring.ts';

interface Placed {
  id: number;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { refId: string; datasource: { uid: string } }[];
}

const panelsOf = (version: string) =>
  (JSON.parse(shippedMonitoring(version).dashboard) as { panels: Placed[] }).panels;

function overlap({ gridPos: a }: Placed, { gridPos: b }: Placed): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

describe.each(METRIC_VERSIONS)('the dashboard for coturn %s', (version) => {
  const panels = panelsOf(version);

  it('places all panels within 24 columns and without overlap', () => {
    for (const [index, panel] of panels.entries()) {
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
      expect(panels.slice(index + 1).filter((other) => overlap(panel, other))).toEqual([]);
    }
  });

  it('has unique ids of panels and queries, and one data source', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { targets } of panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      expect(new Set(targets.map(({ datasource }) => datasource.uid))).toEqual(new Set([`\${datasource}`]));
    }
  });
});

describe('the dashboard', () => {
  it('has more panels for versions with more metrics', () => {
    const counts = METRIC_VERSIONS.map((version) => panelsOf(version).length);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBeGreaterThan(4);
  });
});

describe('layoutDashboard', () => {
  const panel = (...size: [number, number]): Dashboard['panels'][number] => ({
    title: 'x',
    type: 'stat',
    size,
    targets: [{ expr: 'a' }, { expr: 'b' }],
    fieldConfig: { defaults: {} },
  });
  const laidOut = (...sizes: [number, number][]) =>
    layoutDashboard({
      title: 'x',
      uid: 'x',
      templating: { list: [] },
      panels: sizes.map((size) => panel(...size)),
    }).panels as Placed[];

  it('fills rows of 24 columns, and starts the next row below the tallest panel', () => {
    const panels = laidOut([12, 4], [12, 8], [23, 3], [1, 2], [2, 5], [24, 1]);
    expect(panels.map(({ gridPos: { x, y } }) => [x, y])).toEqual([
      [0, 0],
      [12, 0],
      [0, 8],
      [23, 8],
      [0, 11],
      [0, 16],
    ]);
  });

  it('numbers panels from 1, and letters queries from A', () => {
    const panels = laidOut([1, 1], [1, 1]);
    expect(panels.map(({ id }) => id)).toEqual([1, 2]);
    expect(panels.map(({ targets }) => targets.map(({ refId }) => refId))).toEqual([
      ['A', 'B'],
      ['A', 'B'],
    ]);
  });
});
