import { Enums, Models } from '@cyclonedx/cyclonedx-library';
import type { ApplicableAdvisory } from '../recipe/advisories.ts';

/** Whether the shipped configuration exposes an advisory, and why. */
export interface Analysed {
  state: 'exposed' | 'not-exposed' | 'unknown';
  reason: string;
  /** CycloneDX's name of the justification; only for `not-exposed`. */
  justification?: string;
}

const { AnalysisState, AnalysisResponse, AnalysisJustification, Severity } = Enums.Vulnerability;

const STATES: Record<Analysed['state'], Enums.Vulnerability.AnalysisState> = {
  exposed: AnalysisState.Exploitable,
  'not-exposed': AnalysisState.NotAffected,
  unknown: AnalysisState.InTriage,
};

const SEVERITIES: Record<ApplicableAdvisory['severity'], Enums.Vulnerability.Severity> = {
  critical: Severity.Critical,
  high: Severity.High,
  medium: Severity.Medium,
  low: Severity.Low,
};

/**
 * An advisory as a CycloneDX vulnerability, with the analysis (VEX) of the shipped configuration. Without an analysis it is in triage: a
 * missing analysis must never read as "not affected".
 * @param affected the affected component
 */
export function vulnerabilityOf(
  { id, severity, summary, fixed, reference }: ApplicableAdvisory,
  analysed: Analysed = { state: 'unknown', reason: 'Not analysed.' },
  affected: Models.BomRef,
): Models.Vulnerability.Vulnerability {
  const { state, reason, justification } = analysed;
  const known = Object.values(AnalysisJustification).find((each) => each === justification);
  return new Models.Vulnerability.Vulnerability({
    bomRef: `advisory:${id}`,
    id,
    source: new Models.Vulnerability.Source({
      name: id.startsWith('CVE-') ? 'NVD' : 'coturn',
      url: reference,
    }),
    ratings: new Models.Vulnerability.RatingRepository([
      new Models.Vulnerability.Rating({ severity: SEVERITIES[severity] }),
    ]),
    description: summary,
    recommendation: `Update to coturn ${fixed} or later.`,
    analysis: new Models.Vulnerability.Analysis({
      state: STATES[state],
      ...(known === undefined ? {} : { justification: known }),
      ...(state === 'exposed'
        ? { response: new Enums.Vulnerability.AnalysisResponseRepository([AnalysisResponse.Update]) }
        : {}),
      detail: reason,
    }),
    affects: new Models.Vulnerability.AffectRepository([new Models.Vulnerability.Affect(affected)]),
  });
}
