import { type Acceptance, markAccepted, readAcceptances } from './accepted.ts';
import { lintAdministration, lintMetrics } from './administration.ts';
import { configurationOf } from './configuration.ts';
import { lintCredentials } from './credentials.ts';
import { lintExternalAddress, lintOwnAddresses } from './external-address.ts';
import { type Finding, finding, type LintContext } from './finding.ts';
import { lintPeers } from './peers.ts';
import { lintPlaceholders } from './placeholders.ts';
import { lintProtection } from './protection.ts';
import { lintConflicts, lintPorts, lintRepetitions } from './relations.ts';
import { lintSecrets, type Strength } from './secrets.ts';
import { lintServices } from './services.ts';
import { parseSettings } from './settings.ts';
import { lintSettings } from './values.ts';

/** Optional inputs of `lintConfig`. */
export interface LintMore {
  /** Estimates the strength of secrets; without it, only their length is checked. */
  strength?: Strength;
  /** Accepted rules, in addition to those accepted by comments in the configuration. */
  accepted?: readonly Acceptance[];
}

/** A quarantined version may still be in use, so this is only a warning. */
function lintRelease({ version, quarantined }: LintContext): Finding[] {
  if (quarantined === undefined) return [];
  return [finding('quarantined-release', 'warning', undefined, `coturn ${version}: ${quarantined}`)];
}

/** Checks a configuration. Returns findings in line order; those about missing settings come last. Pure. */
export function lintConfig(
  text: string,
  context: LintContext,
  { strength, accepted = [] }: LintMore = {},
): Finding[] {
  const settings = parseSettings(text);
  const configuration = configurationOf(settings, context);
  const found = [
    ...lintSettings(settings, context),
    ...lintRepetitions(configuration),
    ...lintConflicts(configuration),
    ...lintPorts(configuration, context),
    ...lintPeers(configuration, context),
    ...lintCredentials(configuration),
    ...lintExternalAddress(configuration),
    ...lintOwnAddresses(configuration),
    ...lintSecrets(configuration, strength),
    ...lintPlaceholders(configuration),
    ...lintServices(configuration, context),
    ...lintProtection(configuration),
    ...lintAdministration(configuration, context),
    ...lintMetrics(configuration),
    ...lintRelease(context),
  ];
  const { acceptances, found: wrong } = readAcceptances(text);
  const all = [...wrong, ...markAccepted(found, [...acceptances, ...accepted], text)];
  const line = (each: Finding) => each.line ?? Number.MAX_SAFE_INTEGER;
  return all.sort((a, b) => line(a) - line(b) || (a.column ?? 0) - (b.column ?? 0));
}
