import { type Dashboard, GRID_COLUMNS } from '../recipe/monitoring.ts';

/**
 * The dashboard as Grafana imports it: panels get a number and a place, row by row, in their order; all queries go to the
 * data source that its variable `datasource` names.
 */
export function layoutDashboard(dashboard: Dashboard): Record<string, unknown> {
  const datasource = { type: 'prometheus', uid: '$' + '{datasource}' };
  let x = 0;
  let y = 0;
  let height = 0;
  const panels = dashboard.panels.map(({ size: [w, h], targets, ...panel }, index) => {
    if (x + w > GRID_COLUMNS) {
      x = 0;
      y += height;
      height = 0;
    }
    const gridPos = { x, y, w, h };
    x += w;
    height = Math.max(height, h);
    return {
      id: index + 1,
      ...panel,
      gridPos,
      datasource,
      // Grafana tells the queries of a panel apart by letters.
      targets: targets.map((target, n) => ({ refId: String.fromCharCode(65 + n), datasource, ...target })),
    };
  });
  return { ...dashboard, panels };
}
