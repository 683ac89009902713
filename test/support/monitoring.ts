import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { layoutDashboard } from '../../src/packaging/dashboard.ts';
import { renderTemplate } from '../../src/packaging/template.ts';
import { metricsFor, metricsSchema } from '../../src/recipe/metrics.ts';
import { dashboardSchema } from '../../src/recipe/monitoring.ts';
import { parseRecipeFile } from '../../src/recipe/parse.ts';

const read = (path: string) => readFileSync(new URL(`../../recipes/${path}`, import.meta.url), 'utf8');
const PORTS = 16_383;

/** Versions that introduced metrics, and one for each earlier form of them. */
export const METRIC_VERSIONS = ['4.5.2', '4.6.1', '4.6.2', '4.8.0', '4.13.0', '4.18.0'];

/** The metric names of a version. */
export function metricNames(version: string): Set<string> {
  return new Set(
    metricsFor(version, metricsSchema.parse(parse(read('metrics.yaml')))).map(({ name }) => name),
  );
}

/** The three monitoring files that a package of this version ships. */
export function shippedMonitoring(version: string): { rules: string; rulesTest: string; dashboard: string } {
  const render = (name: string) =>
    renderTemplate(read(`packaging/common/monitoring/${name}`), {
      values: { version, minPort: 49_152, maxPort: 49_151 + PORTS, ports: PORTS },
      options: new Set(),
      metrics: metricNames(version),
      features: new Set(),
    });
  const name = 'grafana-dashboard.yaml';
  const dashboard = layoutDashboard(parseRecipeFile(name, render(name), dashboardSchema));
  return {
    rules: render('coturn.rules.yml'),
    rulesTest: render('coturn.rules.test.yml'),
    dashboard: JSON.stringify(dashboard),
  };
}
