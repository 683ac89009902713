import { describe, expect, it } from 'vitest';
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

  it('has a place of its own for each panel', () => {
    for (const [index, panel] of panels.entries()) {
      expect(panel.gridPos.x + panel.gridPos.w).toBeLessThanOrEqual(24);
      expect(panels.slice(index + 1).filter((other) => overlap(panel, other))).toEqual([]);
    }
  });

  it('tells panels and queries apart, and takes all from one data source', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { targets } of panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      expect(new Set(targets.map(({ datasource }) => datasource.uid))).toEqual(new Set([`\${datasource}`]));
    }
  });
});

describe('the dashboard', () => {
  it('grows with the metrics that versions have', () => {
    const counts = METRIC_VERSIONS.map((version) => panelsOf(version).length);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(new Set(counts).size).toBeGreaterThan(4);
  });
});
