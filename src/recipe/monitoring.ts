import { z } from 'zod';

const text = z.string().min(1);

const rule = z.union([
  z.strictObject({ record: text, expr: text, labels: z.record(z.string(), z.string()).optional() }),
  z.strictObject({
    alert: text,
    expr: text,
    for: text.optional(),
    labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
    annotations: z.strictObject({ summary: text, description: text }),
  }),
]);

/** A Prometheus rule file. Stricter than Prometheus: each alert needs a severity, a summary, and a description that says what to do. */
export const rulesSchema = z.strictObject({
  groups: z.array(z.strictObject({ name: text, rules: z.array(rule).min(1) })).min(1),
});

export type Rules = z.infer<typeof rulesSchema>;

/** Grafana's grid has 24 columns. */
export const GRID_COLUMNS = 24;

const panel = z.strictObject({
  title: text,
  description: text.optional(),
  type: z.enum(['stat', 'gauge', 'timeseries']),
  /** Columns and rows of the grid. */
  size: z.tuple([z.number().int().min(1).max(GRID_COLUMNS), z.number().int().min(1)]),
  targets: z.array(z.strictObject({ expr: text, legendFormat: text.optional() })).min(1),
  fieldConfig: z.strictObject({ defaults: z.record(z.string(), z.unknown()) }),
});

/** recipes/packaging/common/monitoring/grafana-dashboard.yaml, rendered for one coturn version. */
export const dashboardSchema = z.looseObject({
  title: text,
  uid: text,
  templating: z.strictObject({ list: z.array(z.looseObject({ name: text, type: text })) }),
  panels: z.array(panel).min(1),
});

export type Dashboard = z.infer<typeof dashboardSchema>;
