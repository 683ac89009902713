import { valid } from 'semver';
import { z } from 'zod';
import { versionIn, versionRange } from './coturn-version.ts';

/** Most severe first. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;

const release = z.string().refine((version) => valid(version) !== null, {
  message: 'expected a release with three numbers, e.g. 4.18.0',
});
const reference = z.url({ protocol: /^https$/, error: 'expected an https address' });

const known = z.strictObject({
  id: z.string().regex(/^[\w.-]+$/, 'use letters, digits, ".", "_" and "-"'),
  severity: z.enum(SEVERITIES),
  affected: versionRange,
  fixed: release,
  summary: z.string().min(1),
  reference,
});

/** recipes/advisories.yaml: what is known to be wrong with coturn releases. */
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

/** An advisory that applies: just the keys that the manifest stores. */
export type ApplicableAdvisory = Omit<KnownAdvisory, 'affected'>;

/** The advisories whose range includes this coturn version, most severe first, else in the file's order. */
export function advisoriesFor(version: string, advisories: readonly KnownAdvisory[]): ApplicableAdvisory[] {
  return advisories
    .filter((advisory) => versionIn(version, advisory.affected))
    .map(({ affected: _, ...advisory }) => advisory)
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

/** Why this coturn version is not to be shipped, or undefined if nothing is known against it. */
export function quarantineOf(version: string, list: readonly Quarantine[]): Quarantine | undefined {
  return list.find((entry) => versionIn(version, entry.versions));
}
