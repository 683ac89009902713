import { join } from 'node:path';
import { TurnbuildError, usageError } from '../../errors.ts';
import { readBytes, sha256Bytes, writeText } from '../../io/files.ts';
import { detachedSignature } from '../../io/gpg.ts';
import type { Store } from '../../io/store.ts';
import { type Addition, releaseFile } from '../change.ts';
import type { Job, PlannedJob } from '../job.ts';
import { KEY_FILE } from '../key-file.ts';
import { storing } from '../perform.ts';
import { CHANNELS, type Channel } from '../plan.ts';
import { promotionNotes } from '../promotion.ts';
import { describeAll } from '../reading.ts';
import { releasesIn } from '../releases.ts';
import { sideBySide } from '../side-by-side.ts';
import { notices } from '../withdrawn.ts';
import {
  baseFolder,
  mirrorListPath,
  poolPath,
  REPODATA,
  type RepositoryName,
  ROOT,
  repoFilePath,
  SOURCE,
} from './layout.ts';
import { changeRepository, type RepositoryChange } from './next.ts';
import {
  mirrorList,
  type NewRpm,
  neededPaths,
  type PublishedRepository,
  plainAfter,
  planDnf,
  stateOf,
} from './plan.ts';
import { stateIn } from './read.ts';
import { pooledRpms, publishedRpms, signedRpms } from './signed.ts';

/** Repositories that are read at a time. */
const READ_AT_ONCE = 4;

/**
 * Signs the packages, reads the repositories and plans.
 * @throws the errors of signedRpms, readRepository and planDnf; PUBLISH_EMPTY if the release has no .rpm; ARGUMENT_MISSING without a URL
 */
export async function planDnfJob(job: Job): Promise<PlannedJob> {
  const { store, channel, key, url } = job;
  if (url === undefined)
    throw usageError(
      'ARGUMENT_MISSING',
      '--url is missing: the URL of the repository, which the mirror list of dnf contains',
    );
  const packages = job.change.verb === 'publish' ? await newRpms(job, job.change) : [];
  const found = new Map<RepositoryName, RepositoryChange | undefined>();
  const names = repositoriesOf(job, packages);
  await sideBySide(names, READ_AT_ONCE, async (name) => {
    found.set(name, await changeRepository(name, packages, { ...job, url }));
  });
  const changes = names.flatMap((name) => found.get(name) ?? []);
  const planned = changes.map(({ next: { name } }) => name);
  const clientFiles = new Map([
    [KEY_FILE, Buffer.from(key.clientKeys)],
    ...[...planned, ...(await publishedRepoFiles(store))].map(
      (name) =>
        [
          repoFilePath(name.target, name.channel),
          Buffer.from(repoFile(name.target, name.channel, url)),
        ] as const,
    ),
    ...notices(job.change),
  ]);
  const facts = {
    ...{
      where: store.address,
      channel,
      key: key.fingerprint,
      signer: key.signer,
      url,
      changes,
      packages,
      clientFiles,
    },
    sha256: sha256Bytes,
  };
  const destination = planDnf({ ...facts, stored: await describeAll(store, neededPaths(facts)) });
  // Folder of metadata in the repository -> the folder here.
  const folders = new Map<string, string>(
    changes.flatMap(({ next, folders: own }) => [
      [`${stateOf(next, facts)}/${REPODATA}`, own.state] as const,
      [`${baseFolder(next.name)}/${REPODATA}`, own.plain] as const,
    ]),
  );
  const lists = new Map(
    changes.map(({ next }) => [mirrorListPath(next.name), Buffer.from(mirrorList(next, facts))] as const),
  );
  return {
    destination,
    notes: changes.flatMap(({ published, next, packages: all }) =>
      promotionNotes(job.change, baseFolder(next.name), published.packages, all),
    ),
    releases: releasesIn(changes.flatMap((each) => each.packages)),
    ...(job.change.verb === 'publish'
      ? {
          published: publishedRpms(
            packages,
            job.change.groups.flatMap(({ files }) => files),
          ),
        }
      : {}),
    offers: [...new Set(changes.map(({ next }) => next.name.target))].map((target) => {
      const own = changes.filter(({ next }) => next.name.target === target);
      return {
        name: target,
        before: releasesIn(own.flatMap(({ published: { packages: before } }) => before)),
        releases: releasesIn(own.flatMap((each) => each.packages)),
      };
    }),
    reach: {
      before: changes.flatMap(({ published }) => reachOf(published)),
      after: changes.flatMap((each) =>
        reachOf({ name: each.next.name, list: mirrorList(each.next, facts), plain: plainAfter(each, facts) }),
      ),
      packages: changes.flatMap((each) => each.packages.map(({ file }) => poolPath(file))),
    },
    atOnce: store.atOnce,
    apply: storing(store, async ({ path, file }) => {
      if (file !== undefined) return { file: releaseFile(job.change, file) };
      const bytes = clientFiles.get(path) ?? lists.get(path);
      if (bytes !== undefined) return { bytes };
      const at = path.lastIndexOf('/');
      const folder = folders.get(path.slice(0, at));
      if (folder === undefined) throw new Error(`${path} has no content`);
      const own = join(folder, path.slice(at + 1));
      if (path.endsWith('.asc')) await sign(job, own);
      return { file: own };
    }),
  };
}

/** The metadata that a mirror list, and a plain base, lead to. */
function reachOf({ name, list, plain }: Pick<PublishedRepository, 'name' | 'list' | 'plain'>): string[] {
  const state = list === undefined ? undefined : stateIn(list, name);
  return [
    ...(state === undefined ? [] : [`${state}/`]),
    ...(plain ?? []).map(({ path }) => `${baseFolder(name)}/${path}`),
  ];
}

/** The repositories that a change may concern. */
function repositoriesOf({ change, channel }: Job, packages: readonly NewRpm[]): RepositoryName[] {
  const pairs =
    change.verb === 'publish'
      ? packages.map(({ target, repository }) => ({ target, architecture: repository }))
      : change.targets.flatMap((target) =>
          ['aarch64', SOURCE, 'x86_64'].map((architecture) => ({ target, architecture })),
        );
  const names = new Map(pairs.map((pair) => [`${pair.target}/${pair.architecture}`, { channel, ...pair }]));
  return [...names.keys()].sort().flatMap((key) => names.get(key) ?? []);
}

/** Signs a repomd.xml that is about to be stored. @param file of the signature */
async function sign({ exec, key, signal }: Job, file: string): Promise<void> {
  const signed = await detachedSignature(
    exec,
    key.signer,
    await readBytes(file.replace(/\.asc$/, '')),
    signal,
  );
  await writeText(file, signed);
}

async function newRpms(job: Job, { dir, groups }: Addition): Promise<NewRpm[]> {
  const files = groups.flatMap(({ target, files: all }) =>
    all
      .filter(({ kind }) => kind === 'rpm' || kind === 'rpm-debuginfo' || kind === 'rpm-source')
      .map(({ path }) => ({ path, target })),
  );
  // Builds for two architectures can have the same source package.
  const unique = new Map(files.map((each) => [each.path, each]));
  const published = [pooledRpms(job.store), ...(job.elsewhere ?? [])];
  if (unique.size > 0) return signedRpms([...unique.values()], { ...job, dir, published });
  throw new TurnbuildError('PUBLISH_EMPTY', 'The release has no .rpm for a dnf repository', {
    hint: 'Pass --to apt, or publish a release with .rpm packages.',
  });
}

/** The targets and channels that have a .repo file. */
async function publishedRepoFiles(store: Store): Promise<{ target: string; channel: Channel }[]> {
  const names = (await store.list(ROOT)).sort();
  return names.flatMap((name) =>
    CHANNELS.flatMap((channel) => {
      const target = /^coturn-(.+)-[a-z]+\.repo$/.exec(name)?.[1];
      const isOwn = target !== undefined && repoFilePath(target, channel) === `${ROOT}/${name}`;
      return isOwn ? [{ target, channel }] : [];
    }),
  );
}

/** A .repo file: dnf.conf(5), "Repo options". */
function repoFile(target: string, channel: Channel, url: string): string {
  const name = channel === 'stable' ? 'coturn' : `coturn-${channel}`;
  const section = (id: string, title: string, architecture: string, enabled: number) =>
    [
      `[${id}]`,
      `name=${title}`,
      `mirrorlist=${url}/${mirrorListPath({ channel, target, architecture })}`,
      `enabled=${enabled}`,
      'gpgcheck=1',
      'repo_gpgcheck=1',
      `gpgkey=${url}/${KEY_FILE}`,
      '',
    ].join('\n');
  return [
    section(name, name, '$basearch', 1),
    section(`${name}-source`, `${name}, source packages`, SOURCE, 0),
  ].join('\n');
}
