import { type Dashboard, GRID_COLUMNS } from '../recipe/monitoring.ts';

/**
 * Converts the dashboard for import by Grafana: numbers the panels and places them row by row, in order. All queries use
 * the data source in the variable `datasource`.
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
      // Grafana identifies the queries of a panel by letters.
      targets: targets.map((target, n) => ({ refId: String.fromCharCode(65 + n), datasource, ...target })),
    };
  });
  return { ...dashboard, panels };
}
