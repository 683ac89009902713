import { type Finding, RULES } from './finding.ts';

/** Rules with the reason and a hint for the user. */
type Rules = Readonly<Record<string, { reason: string; hint: string }>>;

interface SarifInput {
  /** URI of the file: relative to the source folder, or absolute. */
  uri: string;
  turnbuildVersion: string;
  /** All rules; by default those of a turnserver.conf. */
  rules?: Rules;
}

/**
 * Converts findings to SARIF 2.1.0 for code scanning.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function toSarif(
  findings: readonly (Omit<Finding, 'rule'> & { rule: string })[],
  { uri, turnbuildVersion, rules = RULES }: SarifInput,
): object {
  const ids = Object.keys(rules);
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'turnbuild',
            version: turnbuildVersion,
            rules: Object.entries(rules).map(([id, { reason, hint }]) => ({
              id,
              shortDescription: { text: reason },
              help: { text: hint },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(({ rule, level, line, column, message, accepted }) => ({
          ruleId: rule,
          ruleIndex: ids.indexOf(rule),
          level,
          message: { text: message },
          // Section 3.35: an empty list means that the result is known not to be suppressed.
          suppressions:
            accepted === undefined
              ? []
              : [
                  {
                    kind: accepted.inFile ? 'inSource' : 'external',
                    status: 'accepted',
                    justification: accepted.reason,
                  },
                ],
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri },
                // A finding about a missing setting has no line; lines begin at 1.
                region: { startLine: line ?? 1, ...(column === undefined ? {} : { startColumn: column }) },
              },
            },
          ],
        })),
      },
    ],
  };
}
