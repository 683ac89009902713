import { valid } from 'semver';
import { z } from 'zod';
import { versionIn, versionRange } from './coturn-version.ts';

/** Most severe first. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

const release = z.string().refine((version) => valid(version) !== null, {
  message: 'expected a release with three numbers, e.g. 4.18.0',
});
const reference = z.url({ protocol: /^https$/, error: 'expected an https URL' });

const sentence = z.string().min(1);

/** Why a package is not exposed to an advisory. Each member is checked against the package's own turnserver.conf. */
const evidence = z
  .strictObject({
    /** Disabled options that the vulnerability needs. */
    off: z.array(z.string().min(1)).min(1).optional(),
    /** The denied ranges cover every peer that is not on the public internet, as this version compares them. */
    peers: z.literal('closed').optional(),
    /** The relay range ends here or below. */
    maxPort: z.number().int().positive().max(65535).optional(),
    /** The package is for one of these architectures. */
    architectures: z
      .array(z.enum(['arm64', 'x86_64']))
      .min(1)
      .optional(),
  })
  .refine((members) => Object.values(members).some((each) => each !== undefined), {
    message: 'give at least one of off, peers, maxPort, architectures',
  });

const exposure = z.discriminatedUnion('state', [
  z.strictObject({
    state: z.literal('not-exposed'),
    reason: sentence,
    evidence,
    /** The reason if the evidence is missing, so that the package is exposed. */
    otherwise: sentence.optional(),
    /** The check that tests the exposure of every package. */
    check: z.string().optional(),
  }),
  z.strictObject({ state: z.enum(['exposed', 'unknown']), reason: sentence }),
]);

const known = z.strictObject({
  id: z.string().regex(/^[\w.-]+$/, 'use letters, digits, ".", "_" and "-"'),
  severity: z.enum(SEVERITIES),
  affected: versionRange,
  fixed: release,
  summary: z.string().min(1),
  reference,
  /** Whether the shipped configuration exposes it; unknown if absent. */
  exposure: exposure.optional(),
});

/** recipes/advisories.yaml: known advisories for coturn releases. */
export const advisoriesSchema = z.array(known).superRefine((list, context) => {
  const seen = new Set<string>();
  for (const [index, advisory] of list.entries()) {
    if (seen.has(advisory.id)) {
      context.addIssue({ code: 'custom', path: [index, 'id'], message: `"${advisory.id}" occurs twice` });
    }
    seen.add(advisory.id);
    if (valid(advisory.fixed) !== null && versionIn(advisory.fixed, advisory.affected)) {
      const message = `${advisory.fixed} cannot be both fixed and affected`;
      context.addIssue({ code: 'custom', path: [index, 'fixed'], message });
    }
  }
});

const quarantined = z.strictObject({
  versions: versionRange,
  reason: z.string().min(1),
  instead: release,
  reference,
});

/** recipes/quarantine.yaml: releases that are not shipped unless the user insists. */
export const quarantineSchema = z.array(quarantined);

export type KnownAdvisory = z.infer<typeof known>;
export type Quarantine = z.infer<typeof quarantined>;

/** An applicable advisory, with only the keys that the manifest stores. */
export type ApplicableAdvisory = Omit<KnownAdvisory, 'affected' | 'exposure'>;

/** An advisory's declared exposure, before it is checked against a package's configuration. */
export type DeclaredExposure = z.infer<typeof exposure>;

/** The advisories whose range includes this coturn version, most severe first, then in the order of the file. */
export function advisoriesFor(version: string, advisories: readonly KnownAdvisory[]): ApplicableAdvisory[] {
  return advisories
    .filter((advisory) => versionIn(version, advisory.affected))
    .map(({ affected: _, exposure: __, ...advisory }) => advisory)
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

const NOT_ANALYSED: DeclaredExposure = {
  state: 'unknown',
  reason: 'Not analysed for the shipped configuration.',
};

/** The declared exposure of each advisory whose range includes this coturn version, by the advisory's id. */
export function exposuresFor(
  version: string,
  advisories: readonly KnownAdvisory[],
): Record<string, DeclaredExposure> {
  const applicable = advisories.filter(({ affected }) => versionIn(version, affected));
  return Object.fromEntries(applicable.map(({ id, exposure }) => [id, exposure ?? NOT_ANALYSED]));
}

/** The quarantine of a coturn version; undefined if it may be shipped. */
export function quarantineOf(version: string, list: readonly Quarantine[]): Quarantine | undefined {
  return list.find((entry) => versionIn(version, entry.versions));
}
