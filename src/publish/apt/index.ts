import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TurnbuildError } from '../../errors.ts';
import { makeFolder, remove, sha256Bytes, writeText } from '../../io/files.ts';
import { clearsign } from '../../io/gpg.ts';
import { gpgv } from '../../io/gpgv.ts';
import type { Store } from '../../io/store.ts';
import { type Addition, releaseFile } from '../change.ts';
import type { Job, PlannedJob, Reach } from '../job.ts';
import { storing } from '../perform.ts';
import { promotionNotes } from '../promotion.ts';
import { describeAll } from '../reading.ts';
import { releasesIn } from '../releases.ts';
import { aptOnlyNotes } from '../signing-key.ts';
import { notices } from '../withdrawn.ts';
import { describeDeb, releaseText } from './archive-tool.ts';
import { clientFiles } from './client-files.ts';
import { poolPath, ROOT, releasePath, suiteFolder, suiteName } from './layout.ts';
import { movedTo } from './packages-index.ts';
import {
  type AptPlan,
  expiryNotes,
  type NewPackage,
  neededPaths,
  nextSuite,
  type PublishedSuite,
  planApt,
  type SuiteChange,
  withNewest,
  withoutReleases,
  withPackages,
  withPromoted,
} from './plan.ts';
import { readExpiry, readSuite } from './read.ts';
import { contentText, listedFiles } from './release-file.ts';

/** Reads the repository and plans. @throws the errors of readSuite and planApt; PUBLISH_EMPTY if the release has no .deb */
export async function planAptJob(job: Job): Promise<PlannedJob> {
  const { store, channel, key, now } = job;
  const packages = job.change.verb === 'publish' ? await newPackages(job, job.change) : [];
  const suites = await changedSuites(job, packages);
  for (const { published } of suites) requireOrigin(published, job);
  const planned = suites.map(({ published }) => published.suite);
  const others = (await suitesIn(store)).filter((suite) => !planned.includes(suite));
  const facts = {
    where: store.address,
    channel,
    key: key.fingerprint,
    signer: key.signer,
    url: job.url,
    origin: job.origin,
    validFor: job.validFor,
    suites,
    next: suites.map((suite) => nextSuite(suite, (text) => gzipSync(text, { level: 9 }))),
    packages,
    clientFiles: new Map([
      ...clientFiles(job, [...new Set([...planned, ...others])]),
      ...notices(job.change),
    ]),
    now,
    sha256: sha256Bytes,
  };
  const plan = planApt({ ...facts, stored: await describeAll(store, neededPaths(facts)) });
  return {
    destination: plan.destination,
    notes: [
      ...aptOnlyNotes(key),
      ...expiryNotes(await unsigned(job, plan, others), now),
      ...suites.flatMap(({ published, next }) =>
        promotionNotes(
          job.change,
          published.suite,
          [...published.packages.values()].flat(),
          [...next.values()].flat(),
        ),
      ),
    ],
    releases: releasesIn(suites.flatMap(({ next }) => [...next.values()].flat())),
    reach: reachOf(suites, plan),
    offers: suites.map(({ published: { suite, packages: before }, next }) => ({
      name: suite.replace(/-testing$/, ''),
      before: releasesIn([...before.values()].flat()),
      releases: releasesIn([...next.values()].flat()),
    })),
    atOnce: store.atOnce,
    apply: storing(store, async ({ path, file }) => {
      if (file !== undefined) return { file: releaseFile(job.change, file) };
      const bytes = plan.contents.get(path);
      if (bytes !== undefined) return { bytes };
      const suite = plan.suites.find((each) => releasePath(each.suite) === path);
      if (suite === undefined) throw new Error(`${path} has no content`);
      const published = suites.find((each) => each.published.suite === suite.suite)?.published;
      const origin = published?.origin ?? job.origin ?? ORIGIN;
      return { bytes: Buffer.from(await signedRelease({ ...job, origin }, plan, suite)) };
    }),
  };
}

/** The published suites of all channels. */
async function suitesIn(store: Store): Promise<string[]> {
  const names = (await store.list(`${ROOT}/dists`)).sort();
  const found = await Promise.all(names.map((name) => store.describe(releasePath(name))));
  return names.filter((_, index) => found[index] !== undefined);
}

/** When the suites expire that a plan does not sign. */
async function unsigned({ store }: Job, plan: AptPlan, others: readonly string[]) {
  const signed = new Set(plan.suites.map(({ suite }) => suite));
  const own = plan.destination.pointers.map(({ path }) => path.split('/').at(-2) ?? '');
  const names = [...own, ...others].filter((name) => !signed.has(name));
  return Promise.all(names.map((name) => readExpiry(name, { store })));
}

/** What suites lead their clients to. */
function reachOf(suites: readonly SuiteChange[], { contents }: AptPlan): Reach {
  const stored = [...contents.keys()].filter((path) => path.includes('/by-hash/'));
  const unchanged = suites.filter(
    ({ published: { suite } }) => !stored.some((path) => path.startsWith(`${suiteFolder(suite)}/`)),
  );
  return {
    before: suites.flatMap(({ published }) => published.byHash),
    after: [...stored, ...unchanged.flatMap(({ published }) => published.byHash)],
    packages: suites.flatMap(({ next }) => [...next.values()].flat().map(({ path }) => `${ROOT}/${path}`)),
  };
}

/** Who publishes a repository, unless the user says otherwise. */
const ORIGIN = 'turnbuild';

/** @throws ORIGIN_DIFFERS if apt would refuse the next InRelease, because its Origin has changed */
function requireOrigin({ suite, origin: published }: PublishedSuite, { origin, store }: Job): void {
  if (origin === undefined || published === undefined || origin === published) return;
  throw new TurnbuildError(
    'ORIGIN_DIFFERS',
    `${suite} in ${store.address} has the origin "${published}", not "${origin}"`,
    { hint: 'apt refuses a repository whose origin changes. Leave out --origin: the published one stays.' },
  );
}

/** The suites that the change concerns, as they are and as they will be. */
async function changedSuites(job: Job, packages: readonly NewPackage[]): Promise<SuiteChange[]> {
  const { change, channel, store } = job;
  const read = async (suite: string) => {
    const work = join(job.work, `read-${suite}`);
    await makeFolder(work);
    return readSuite(suite, { ...job, work });
  };
  if (change.verb === 'publish') {
    const names = [...new Set(packages.map(({ suite }) => suite))].sort();
    return Promise.all(
      names.map(async (name) => {
        const fresh = packages.filter(({ suite }) => suite === name).map(({ indexed }) => indexed);
        return withPackages(await read(name), fresh, store.address);
      }),
    );
  }
  const changes = await Promise.all(
    change.suites.map(async (suite) => {
      const own = await read(suiteName(suite, channel));
      if (change.verb === 'withdraw') return withoutReleases(own, change.releases);
      if (change.verb === 'refresh') return withoutReleases(own, []);
      if (change.verb === 'gc') return withNewest(own, change.keep);
      const from = await read(suiteName(suite, change.from));
      // apt's pins must find the same origin in every channel.
      const named = { ...own, origin: own.origin ?? from.origin };
      return withPromoted(named, from, change.release, store.address);
    }),
  );
  // A suite that is not there and gets nothing stays away.
  return changes.filter(({ published, next }) => published.date !== undefined || next.size > 0);
}

async function signedRelease(
  job: Job & { origin: string },
  plan: AptPlan,
  suite: AptPlan['suites'][number],
): Promise<string> {
  const { exec, key, signal, origin } = job;
  const work = join(job.work, `release-${suite.suite}`);
  await remove(work);
  const fields = { origin, codename: suite.suite.replace(/-testing$/, ''), validFor: job.validFor };
  const text = await releaseText(exec, suite, fields, { work, signal });
  const content = contentText(listedFiles(text).filter(({ path }) => path.endsWith('/Packages')));
  const planned = plan.destination.pointers.find(({ path }) => path === releasePath(suite.suite));
  if (sha256Bytes(content) !== planned?.after)
    throw new TurnbuildError(
      'APT_FTPARCHIVE_FAILED',
      `apt-ftparchive lists different indices of ${suite.suite} than planned`,
    );
  const signed = await clearsign(exec, key.signer, text, signal);
  const file = join(work, 'InRelease');
  await writeText(file, signed);
  const { signer, stderr } = await gpgv(exec, ['--keyring', job.keyring, file], signal);
  if (signer !== undefined) return signed;
  throw new TurnbuildError('SIGNING_FAILED', `gpgv rejects the signature made by gpg: ${stderr}`, {
    hint: 'Look at the key: gpg --list-secret-keys --with-subkey-fingerprint',
  });
}

async function newPackages(job: Job, { dir, groups, suiteOf }: Addition): Promise<NewPackage[]> {
  const { exec, signal, channel } = job;
  const files = groups.flatMap(({ target, files: all }) =>
    all
      .filter(({ kind }) => kind === 'deb' || kind === 'deb-dbgsym')
      .map(({ path, sha256 }) => ({ target, path, sha256 })),
  );
  if (files.length === 0)
    throw new TurnbuildError('PUBLISH_EMPTY', 'The release has no .deb for an apt repository', {
      hint: 'Pass --to dnf, or publish a release with .deb packages.',
    });
  return Promise.all(
    files.map(async ({ target, path, sha256 }) => {
      const indexed = await describeDeb(exec, join(dir, path), signal);
      if (indexed.sha256 !== sha256)
        throw new TurnbuildError('ARTIFACT_CHANGED', `${join(dir, path)} was changed while it was in use`);
      return {
        suite: suiteName(suiteOf(target), channel),
        file: path,
        indexed: movedTo(indexed, poolPath(path)),
      };
    }),
  );
}
