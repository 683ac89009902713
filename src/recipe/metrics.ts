import { z } from 'zod';
import { versionIn, versionRange } from './coturn-version.ts';

const identifier = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'use letters, digits and "_"');

const family = z.strictObject({
  versions: versionRange,
  type: z.enum(['counter', 'gauge']),
  labels: z.array(identifier),
  names: z.array(identifier).min(1),
});

/** recipes/metrics.yaml: the Prometheus metrics by coturn version. */
export const metricsSchema = z.array(family);

export type MetricFamily = z.infer<typeof family>;

/** One metric of one coturn version. With labels, its series appear only when they are first used. */
export interface Metric {
  name: string;
  type: 'counter' | 'gauge';
  labels: string[];
}

/** Every metric of this coturn version, each name once; none before 4.5.2, which introduced Prometheus. */
export function metricsFor(version: string, families: readonly MetricFamily[]): Metric[] {
  return families
    .filter((entry) => versionIn(version, entry.versions))
    .flatMap(({ names, type, labels }) => names.map((name) => ({ name, type, labels })));
}
