import { versionIn } from '../recipe/coturn-version.ts';
import type { Compatibility } from '../recipe/schema.ts';

/** Patches and other additions that a coturn version needs, with the reasons for the report. */
export interface VersionNeeds {
  /** Folders of quilt series under patches/, in the order of application. */
  series: string[];
  prometheusClient: boolean;
  /** Headers under patches/ that are included before every source file. */
  includes: string[];
  reasons: string[];
}

/** Selects the entries of patches/compatibility.yaml for a version. */
export function needsOf(version: string, entries: Compatibility): VersionNeeds {
  const matching = entries.filter((entry) => versionIn(version, entry.versions));
  return {
    series: matching.flatMap((entry) => (entry.series === undefined ? [] : [entry.series])),
    prometheusClient: matching.some((entry) => entry.prometheusClient === true),
    includes: matching.flatMap((entry) => (entry.include === undefined ? [] : [entry.include])),
    reasons: matching.map((entry) => entry.reason),
  };
}
