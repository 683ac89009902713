import type { DeclaredExposure } from '../recipe/advisories.ts';
import { configurationOf, hasTelnet } from './configuration.ts';
import type { LintContext } from './finding.ts';
import { forgottenPeers } from './peers.ts';
import { parseSettings, portOf } from './settings.ts';

type Evidence = Extract<DeclaredExposure, { state: 'not-exposed' }>['evidence'];

/** The package whose exposure is judged. */
export interface ExposureContext extends LintContext {
  /** Its turnserver.conf, as shipped. */
  configuration: string;
  arch: string;
}

/** Whether a package with its shipped configuration is exposed to an advisory. */
export interface Exposure {
  state: 'exposed' | 'not-exposed' | 'unknown';
  reason: string;
  /** Why the package is not exposed, as a CycloneDX justification. */
  justification?: 'requires_configuration' | 'requires_environment' | 'protected_by_mitigating_control';
  /** The check that tests the exposure. */
  check?: string;
}

/** turnserver's default of max-port. */
const DEFAULT_MAX_PORT = 65535;

/**
 * Checks a declared exposure against the configuration that a package ships. "Not exposed" is valid only if the file has all of the evidence,
 * so a recipe that enables a feature loses the claim.
 */
export function exposureOf(declared: DeclaredExposure, context: ExposureContext): Exposure {
  if (declared.state !== 'not-exposed') return declared;
  const { evidence, reason, otherwise, check } = declared;
  const missing = missingEvidence(evidence, context);
  if (missing.length > 0)
    return { state: 'exposed', reason: otherwise ?? `The shipped configuration ${missing.join(', and ')}.` };
  return {
    state: 'not-exposed',
    reason,
    justification: justificationOf(evidence),
    ...(check === undefined ? {} : { check }),
  };
}

/** The missing evidence, as predicates of a sentence about the configuration. */
function missingEvidence({ off = [], peers, maxPort, architectures }: Evidence, context: ExposureContext) {
  const configuration = configurationOf(parseSettings(context.configuration), context);
  const on = off.filter((name) => {
    if (name === 'cli') return hasTelnet(configuration);
    // If an option takes a text or number, any value enables the feature.
    const takesValue = context.options.some((option) => option.name === name && option.value === 'required');
    return takesValue ? configuration.last(name) !== undefined : configuration.isOn(name);
  });
  const open = peers === 'closed' ? forgottenPeers(configuration, context).flatMap((each) => each.peers) : [];
  const last = portOf(configuration.last('max-port'), DEFAULT_MAX_PORT);
  return [
    ...on.map((name) => `switches ${name} on`),
    ...(open.length === 0 ? [] : [`does not deny the peer ${open[0]}`]),
    ...(maxPort === undefined || last <= maxPort ? [] : [`has a relay range that ends at ${last}`]),
    ...(architectures === undefined || architectures.some((arch) => arch === context.arch)
      ? []
      : [`is for ${context.arch}`]),
  ];
}

function justificationOf({ off, peers, maxPort }: Evidence): NonNullable<Exposure['justification']> {
  if (peers !== undefined || maxPort !== undefined) return 'protected_by_mitigating_control';
  return off === undefined ? 'requires_environment' : 'requires_configuration';
}
