import { z } from 'zod';
import { sha256, sourceSchema } from './source.ts';
import { STAGES } from './stages.ts';

/** Files that turnbuild writes beside a manifest, so no output may have such a name. */
const OWN_NAMES = [
  ...['manifest.json', 'plan.json', 'report.html', 'junit.xml', 'sha256sums', '.lock'],
  ...['publish.jsonl', 'signed', 'sbom', 'trust'],
];

/** A name without control and invisible characters, which can be shown unchanged. */
const NAME = String.raw`[^/\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]+`;

/** A path inside the manifest's folder, even if the manifest is hostile. */
const path = z
  .string()
  .regex(
    new RegExp(`^${NAME}(?:/${NAME})*$`, 'u'),
    'must be the path of a file, without invisible characters',
  )
  .refine(
    (text) => !text.split('/').some((name) => name === '..' || name === '.'),
    'must not leave its folder',
  )
  .refine(
    (text) => !OWN_NAMES.includes(text.split('/')[0]?.toLowerCase() ?? ''),
    'has a name that turnbuild reserves',
  );

/** Refuses a list with two members of the same name. */
function requireUnique<K extends string>(key: K) {
  return (list: readonly Record<K, string>[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    for (const [index, { [key]: name }] of list.entries()) {
      if (seen.has(name))
        context.addIssue({ code: 'custom', path: [index, key], message: `${name} occurs twice` });
      seen.add(name);
    }
  };
}

/** One file that a stage produced, or one set of facts that it gathered. Paths are relative to the manifest's folder. */
const artifact = z.strictObject({
  path,
  kind: z.enum([
    'build',
    'deb',
    'deb-dbgsym',
    'rpm',
    'rpm-debuginfo',
    'rpm-source',
    'tarball',
    'sbom',
    'image',
    'package-list',
    'verify',
    'log',
  ]),
  size: z.number().int().nonnegative(),
  sha256,
  /** The file that users get instead, once the release is published: a signed .rpm, or a bill of materials with the package's digest. */
  published: z.strictObject({ size: z.number().int().nonnegative(), sha256 }).optional(),
  target: z.string().optional(),
  arch: z.enum(['arm64', 'x86_64']).optional(),
});

/** The possible results of a check. */
export const CHECK_STATUSES = [
  'passed',
  'failed',
  'accepted',
  'blocked',
  'cannot-here',
  'not-applicable',
  'deselected',
] as const;

/** One named check of one package. `figures` are its measurements, e.g. `{ sent: 200, received: 200 }`. */
const checkResult = z.strictObject({
  id: z.string(),
  title: z.string(),
  reason: z.string(),
  reference: z.string().optional(),
  /**
   * `accepted`: it failed because of advisories that the user accepts. The last four have no verdict: `not-applicable`, there is nothing to
   * judge in this package; `cannot-here`, this machine or these files lack a requirement; `deselected`, by --only or --skip; `blocked`,
   * another check failed.
   */
  status: z.enum(CHECK_STATUSES),
  message: z.string(),
  figures: z.record(z.string(), z.union([z.number(), z.string()])),
  /** The known advisories that caused the failure. */
  advisories: z.array(z.string()).optional(),
  /** The cause of the failure, in one sentence. */
  cause: z.string().optional(),
  /** The failed check that blocked this one. */
  blockedBy: z.string().optional(),
});

/** Whether a package with its shipped configuration is exposed to an advisory, and why. */
const exposure = z.strictObject({
  state: z.enum(['exposed', 'not-exposed', 'unknown']),
  reason: z.string(),
  /** The check that tests the exposure. */
  check: z.string().optional(),
});

/** One finished step of the plan. */
const step = z.strictObject({
  id: z.string(),
  stage: z.enum(STAGES),
  /** Digest of all inputs: the same key means that the outputs are current. */
  key: sha256,
  /** The step's key in the plan: digest of the inputs known at planning. Absent for a package that was given as a file. */
  planned: sha256.optional(),
  /** Input files from earlier steps. A verification's verdicts apply to exactly these. */
  inputs: z.array(z.strictObject({ path, sha256 })),
  /** Base images that it was performed in: name -> digest. */
  bases: z.record(z.string(), z.string()),
  status: z.enum(['done', 'failed']),
  seconds: z.number().nonnegative(),
  outputs: z.array(artifact).superRefine(requireUnique('path')),
  target: z.string().optional(),
  arch: z.enum(['arm64', 'x86_64']).optional(),
  /** The cloud that an image is for. */
  cloud: z.enum(['aws', 'gce']).optional(),
  log: path.optional(),
  error: z.string().optional(),
  /** When it ended, in UTC. */
  finished: z.iso.datetime().optional(),
  /** Exposure of the step's packages: advisory -> exposure. */
  exposures: z.record(z.string(), exposure).optional(),
  checks: z.array(checkResult).optional(),
  /** The git commit that the recipes and patches came from, if they are in a repository. */
  recipes: z
    .strictObject({
      commit: z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/),
      /** Whether they had uncommitted changes. Absent: unknown. */
      modified: z.boolean().optional(),
      /** URL of the repository, if GitHub Actions names it. */
      repository: z.string().optional(),
    })
    .optional(),
  /** Metric name (with labels) to value, scraped after the relayed traffic. */
  metrics: z.record(z.string(), z.number()).optional(),
  /** Facts for the report: feature list, compiler, package versions of the toolchain. */
  facts: z.record(z.string(), z.unknown()).optional(),
});

const base = z.strictObject({
  name: z.string(),
  suite: z.string(),
  arch: z.enum(['arm64', 'x86_64']),
  origin: z.enum(['bootstrapped', 'registry']),
  digest: z.string(),
  /** The official image that it was made from, e.g. `debian:trixie-slim@sha256:…`. */
  image: z.string().optional(),
  packages: z.record(z.string(), z.string()).optional(),
});

const advisory = z.strictObject({
  id: z.string(),
  severity: z.enum(['low', 'medium', 'high', 'critical']),
  summary: z.string(),
  fixed: z.string(),
  reference: z.string(),
});

export const MANIFEST_SCHEMA = 3;

export const manifestSchema = z.strictObject({
  schema: z.literal(MANIFEST_SCHEMA),
  /** Version of the turnbuild that wrote it. */
  turnbuild: z.string(),
  /** Digest of plan.json, the last performed plan of a release. Absent for a package that was given as a file. */
  plan: sha256.optional(),
  coturn: z.strictObject({
    version: z.string().regex(/^\d[\w.~+-]*$/),
    revision: z.number().int().positive(),
    epoch: z.number().int(),
  }),
  /** Version of all packages without the target's suffix: `4.6.1+turnbuild-1`. For a package that was given as a file, its own version. */
  packageVersion: z.string(),
  /** Absent for a package that was given as a file, whose source is unknown. */
  source: sourceSchema.optional(),
  advisories: z.array(advisory),
  bases: z.array(base),
  steps: z.array(step).superRefine(requireUnique('id')),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestStep = z.infer<typeof step>;
export type Artifact = z.infer<typeof artifact>;
export type CheckResult = z.infer<typeof checkResult>;
export type BaseImage = z.infer<typeof base>;
export type Exposure = z.infer<typeof exposure>;
export type Advisory = z.infer<typeof advisory>;
