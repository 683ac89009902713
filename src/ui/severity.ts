import type { Advisory } from '../manifest/schema.ts';

const ORDER: readonly Advisory['severity'][] = ['critical', 'high', 'medium', 'low'];

/** A copy with the most severe first; equals keep their order. */
export function bySeverity(list: readonly Advisory[]): Advisory[] {
  return [...list].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
}
