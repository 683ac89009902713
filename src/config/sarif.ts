import { type Finding, RULES, type RuleId } from './finding.ts';

/**
 * Converts findings to SARIF 2.1.0 for code scanning.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @param uri URI of the configuration: relative to the source folder, or absolute
 */
export function toSarif(
  findings: readonly Finding[],
  { uri, turnbuildVersion }: { uri: string; turnbuildVersion: string },
): object {
  const rules = Object.keys(RULES) as RuleId[];
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'turnbuild',
            version: turnbuildVersion,
            rules: rules.map((id) => ({
              id,
              shortDescription: { text: RULES[id].reason },
              help: { text: RULES[id].hint },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(({ rule, level, line, column, message, accepted }) => ({
          ruleId: rule,
          ruleIndex: rules.indexOf(rule),
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
