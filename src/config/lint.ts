import { lintAdministration, lintMetrics } from './administration.ts';
import { configurationOf } from './configuration.ts';
import { lintCredentials } from './credentials.ts';
import type { Finding, LintContext } from './finding.ts';
import { lintPeers } from './peers.ts';
import { lintProtection } from './protection.ts';
import { lintSecrets } from './secrets.ts';
import { parseSettings } from './settings.ts';
import { lintConflicts, lintPorts, lintRepetitions, lintSettings } from './values.ts';

/** All that is wrong with a configuration, in the order of its lines; what is missing comes last. Pure. */
export function lintConfig(text: string, context: LintContext): Finding[] {
  const settings = parseSettings(text);
  const configuration = configurationOf(settings, context);
  const found = [
    ...lintSettings(settings, context),
    ...lintRepetitions(configuration),
    ...lintConflicts(configuration, context),
    ...lintPorts(configuration, context),
    ...lintPeers(configuration, context),
    ...lintCredentials(configuration),
    ...lintSecrets(configuration),
    ...lintProtection(configuration),
    ...lintAdministration(configuration, context),
    ...lintMetrics(configuration),
  ];
  const line = (each: Finding) => each.line ?? Number.MAX_SAFE_INTEGER;
  return found.sort((a, b) => line(a) - line(b) || (a.column ?? 0) - (b.column ?? 0));
}
