import { z } from 'zod';
import { versionIn, versionRange } from './coturn-version.ts';

const deviation = z.strictObject({
  versions: versionRange,
  metrics: z.array(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'use letters, digits and "_"')).min(1),
  message: z.enum(['channel']),
  bytes: z.number().int().positive(),
  summary: z.string().min(1),
  reference: z.url({ protocol: /^https$/, error: 'expected an https URL' }),
});

/** recipes/deviations.yaml: metrics that are known to count something other than their names suggest. */
export const deviationsSchema = z.array(deviation);

export type KnownDeviation = z.infer<typeof deviation>;

/** A deviation of one coturn version. */
export type Deviation = Omit<KnownDeviation, 'versions'>;

/** The known deviations of this coturn version. */
export function deviationsFor(version: string, list: readonly KnownDeviation[]): Deviation[] {
  return list.filter((each) => versionIn(version, each.versions)).map(({ versions: _, ...rest }) => rest);
}
