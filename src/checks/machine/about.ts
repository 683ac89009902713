/** Paths that a message names. */
const NAMED = 20;

/** A complaint about some paths; none if there are no such paths. */
export function about(paths: readonly string[], what: string): string[] {
  if (paths.length === 0) return [];
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '';
  return [`${what}: ${paths.slice(0, NAMED).join(', ')}${more}`];
}
