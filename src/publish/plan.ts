import { z } from 'zod';
import { TurnbuildError } from '../errors.ts';
import { type DocumentKind, type Sha256, sealed, unsealed } from '../manifest/sealed.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** One change of a destination, or the reason why none is needed. Paths are relative to the repository; GitHub's: src/publish/github/names.ts. */
const action = z.strictObject({
  /**
   * `create`: a file with a new name; `reuse`: the same file is already there; `replace`: different content under the same name, of a file that
   * no client trusts by its name; `point`: the signed file that clients start from, or what GitHub shows; `delete`: a file that nothing leads to
   * any more, or a part of a draft.
   */
  do: z.enum(['create', 'reuse', 'replace', 'point', 'delete']),
  path: z.string().min(1),
  /** In bytes. Absent for a signed file: its signature is made when it is written. */
  size: z.number().int().nonnegative().optional(),
  sha256: sha256.optional(),
  /** Name of the release's file that it is a copy of. */
  file: z.string().min(1).optional(),
  /** Of a draft on GitHub: what its notes contain, so that it is found again if the response is lost. It is the digest of the manifest. */
  marker: sha256.optional(),
});

/** What clients start from. Digests are of the content that it leads to, whatever its date and signature. */
const pointer = z.strictObject({
  path: z.string().min(1),
  /** Null: there is none. */
  before: sha256.nullable(),
  after: sha256,
});

const destination = z.strictObject({
  to: z.enum(['apt', 'dnf', 'github']),
  /** The repository's address. */
  where: z.string().min(1),
  /** Null: what it does concerns all channels. */
  channel: z.enum(['testing', 'stable']).nullable(),
  /** Fingerprint of the primary key that signs. Null: nothing is signed, which only GitHub allows. */
  key: z.string().min(1).nullable(),
  /** Fingerprints of the other primary keys that clients trust, sorted. Absent: none. */
  extraKeys: z.array(z.string().min(1)).optional(),
  /** URL under which clients reach the repository, if it is known. */
  url: z.string().nullable(),
  /** Who publishes it, if the user says so. */
  origin: z.string().nullable(),
  /** Days for which apt accepts an InRelease, if the user says so. */
  validFor: z.number().int().positive().optional(),
  pointers: z.array(pointer),
  actions: z.array(action),
});

/** What stays when a repository is cleaned. */
const keepRules = z.strictObject({
  /** The newest releases of each channel that stay in its indices. */
  releases: z.number().int().positive(),
  /** Files stay for so many days after nothing has led to them any more. */
  days: z.number().nonnegative(),
  /** Also packages of withdrawn releases are deleted. */
  withdrawn: z.boolean(),
  /** The time from which days are counted back. ISO 8601. */
  at: z.iso.datetime(),
});

export const PLAN_SCHEMA = 1;

const publishPlan = z.strictObject({
  kind: z.literal('publish'),
  schema: z.literal(PLAN_SCHEMA),
  turnbuild: z.string(),
  verb: z.enum(['publish', 'promote', 'withdraw', 'refresh', 'gc']),
  /** The releases that it is about, e.g. `4.18.0+turnbuild-1`. None for `refresh` and `gc`. */
  releases: z.array(z.string()),
  /** Digest of the published release's manifest. */
  manifest: sha256.optional(),
  /** Accepted advisories of the published packages. */
  accepted: z.array(z.string()),
  /** Why releases are withdrawn. */
  reason: z.string().optional(),
  /** What `gc` keeps. */
  keep: keepRules.optional(),
  destinations: z.array(destination).min(1),
});

export type PublishPlan = z.infer<typeof publishPlan>;
export type Destination = z.infer<typeof destination>;
export type PublishAction = z.infer<typeof action>;
export type Pointer = z.infer<typeof pointer>;
/** Destinations whose files are in a store. */
export type StoredKind = Exclude<Destination['to'], 'github'>;
export type Channel = NonNullable<Destination['channel']>;
export type KeepRules = z.infer<typeof keepRules>;

/** Where packages can be published. */
export const DESTINATIONS = destination.shape.to.options;

/** Channels, from the first to the last that a release passes through. */
export const CHANNELS = destination.shape.channel.unwrap().options;

const PLAN: DocumentKind<PublishPlan> = {
  name: 'plan',
  schema: PLAN_SCHEMA,
  shape: publishPlan,
  codes: { invalid: 'PLAN_INVALID', newer: 'PLAN_NEWER', changed: 'PLAN_CHANGED' },
  hint: 'Create it again, with --dry-run --json.',
};

/** A plan as a document. */
export function formatPublishPlan(plan: PublishPlan, digest: Sha256): string {
  return sealed(plan, digest);
}

/** Text of a plan -> plan. @throws PLAN_INVALID, PLAN_NEWER, PLAN_CHANGED */
export function parsePublishPlan(file: string, text: string, digest: Sha256): PublishPlan {
  return unsealed(PLAN, file, text, digest);
}

/** Whether a destination already has everything, so that nothing is written. */
export function isUpToDate({ actions }: Destination): boolean {
  return actions.every((each) => each.do === 'reuse');
}

/**
 * Requires that a plan made now does what a given one says. A file that an interrupted run of the given plan has stored is reused, and a
 * pointer that it has moved stays. What an interrupted run has left on GitHub is deleted: if the plan was given, only if that run performed it.
 * @param file name of the given plan's file; undefined if this run made it
 * @throws PUBLISH_PLAN_STALE with the differences
 */
export function requirePlanned(given: PublishPlan, now: PublishPlan, file?: string): void {
  const problems = [
    ...differing('release', subjectOf(given), subjectOf(now)),
    ...differing(
      'destinations',
      given.destinations.map(nameOf).sort().join(', '),
      now.destinations.map(nameOf).sort().join(', '),
    ),
    ...now.destinations.flatMap((each) => {
      const planned = given.destinations.find((other) => nameOf(other) === nameOf(each));
      return planned === undefined ? [] : destinationProblems(planned, each, file !== undefined);
    }),
  ];
  if (problems.length === 0) return;
  if (file === undefined)
    throw new TurnbuildError(
      'PUBLISH_PLAN_STALE',
      `The repository changed while this run was planning:\n${problems.map((each) => `  ${each}`).join('\n')}`,
      { hint: 'Run the same command again.' },
    );
  throw new TurnbuildError(
    'PUBLISH_PLAN_STALE',
    `${file} no longer applies:\n${problems.map((each) => `  ${each}`).join('\n')}`,
    { hint: 'Create a new plan with --dry-run, and look at it again.' },
  );
}

const nameOf = ({ to, where, channel, key, extraKeys, url, origin, validFor }: Destination) =>
  `${to} ${where} (${[channel ?? 'all channels', key === null ? 'no key' : `key ${key}`, ...(extraKeys ?? []).map((each) => `extra key ${each}`), ...(url === null ? [] : [url]), ...(origin === null ? [] : [`origin ${origin}`]), ...(validFor === undefined ? [] : [`valid for ${validFor} days`])].join(', ')})`;

const subjectOf = ({ verb, releases, manifest = '', reason = '', keep }: PublishPlan) =>
  [verb, ...releases, manifest, reason, keep === undefined ? '' : JSON.stringify(keep)]
    .filter((word) => word !== '')
    .join(' ');

function differing(what: string, given: string, now: string): string[] {
  return given === now ? [] : [`the ${what} in the plan: ${given}; now: ${now}`];
}

const pathsOf = (actions: readonly PublishAction[], what: PublishAction['do']) =>
  actions.filter((each) => each.do === what).map(({ path }) => path);

function destinationProblems(given: Destination, now: Destination, isGiven: boolean): string[] {
  const gone = given.pointers.filter(({ path }) => !now.pointers.some((each) => each.path === path));
  const problems = now.pointers.flatMap(({ path, before, after }) => {
    const planned = given.pointers.find((each) => each.path === path);
    if (planned === undefined) return [`${path} is not in the plan`];
    if (before !== planned.before && before !== planned.after)
      return [`${path} was changed by another run since the plan was made`];
    return after === planned.after ? [] : [`${path} would get different content than planned`];
  });
  // Indices may be compressed differently on another machine. Their content is compared by the pointers.
  const files = ({ actions }: Destination) =>
    actions.filter(({ file }) => file !== undefined).map(({ path, sha256: digest }) => `${path} ${digest}`);
  const [planned, current] = [new Set(files(given)), new Set(files(now))];
  // A run that was interrupted has deleted some already, and has left parts of what it was about to create.
  const deleted = ({ actions, channel }: Destination) =>
    isGiven || channel === null ? pathsOf(actions, 'delete') : [];
  const expected = new Set([...deleted(given), ...pathsOf(given.actions, 'create')]);
  const others = [
    ...[...planned].filter((each) => !current.has(each)),
    ...[...current].filter((each) => !planned.has(each)),
  ].map((each) => `${each.replace(/ .*/, '')} is not as planned`);
  return [
    ...gone.map(({ path }) => `${path} would not be changed`),
    // A changed file changes pointers, too.
    ...(problems.length > 0 ? problems : new Set(others)),
    ...deleted(now)
      .filter((path) => !expected.has(path.replace(/\/drafts\/\d+$/, '')) && !expected.has(path))
      .map((path) => `${path} would be deleted, which is not in the plan`),
  ];
}
