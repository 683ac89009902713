import { join } from 'node:path';
import { TurnbuildError, usageError } from '../../errors.ts';
import {
  copyInto,
  makeFolder,
  readBytes,
  readText,
  remove,
  setTime,
  sha256Bytes,
  writeText,
} from '../../io/files.ts';
import { detachedSignature } from '../../io/gpg.ts';
import type { Job, PlannedJob } from '../job.ts';
import { KEY_FILE } from '../key-file.ts';
import { describeAll } from '../reading.ts';
import {
  baseFolder,
  mirrorListPath,
  POOL_FROM_BASE,
  REPODATA,
  repoFilePath,
  SOURCE,
  stateFolder,
} from './layout.ts';
import { contentText, metadataFiles } from './metadata.ts';
import {
  missingRpms,
  type NewRpm,
  type NextRepository,
  neededPaths,
  type PublishedRepository,
  planDnf,
} from './plan.ts';
import { readRepository } from './read.ts';
import { SIGNED, signedRpms } from './signed.ts';
import { describeFolder, mergeMetadata } from './tools.ts';

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
  const packages = await newRpms(job);
  const architectures = [...new Set(packages.map(({ repository }) => repository))].sort();
  const published: PublishedRepository[] = [];
  const next: NextRepository[] = [];
  for (const architecture of architectures) {
    const work = join(job.work, 'dnf', architecture);
    await remove(work);
    const before = await readRepository(channel, architecture, { ...job, work }, join(work, 'old'));
    published.push(before);
    next.push({ architecture, files: await nextMetadata(before, packages, { ...job, work }) });
  }
  const clientFiles = new Map([
    [KEY_FILE, Buffer.from(key.armored)],
    [repoFilePath(channel), Buffer.from(repoFile(job, url))],
  ]);
  const facts = {
    ...{ where: store.address, channel, key: key.fingerprint, published, next, packages, clientFiles },
    sha256: sha256Bytes,
  };
  const destination = planDnf({ ...facts, stored: await describeAll(store, neededPaths(facts)) });
  const repomds = new Map<string, string>(
    next.flatMap(({ architecture, files }) => {
      const state = stateFolder(channel, architecture, sha256Bytes(contentText(files)));
      const file = join(job.work, 'dnf', architecture, 'new', REPODATA);
      return [state, baseFolder(channel, architecture)].map((base) => [`${base}/${REPODATA}`, file] as const);
    }),
  );
  const lists = new Map(
    next.map(({ architecture, files }) => {
      const state = stateFolder(channel, architecture, sha256Bytes(contentText(files)));
      return [mirrorListPath(channel, architecture), `${url}/${state}/\n`] as const;
    }),
  );
  return {
    destination,
    async contentOf({ path, file }) {
      if (file !== undefined) return { file: join(job.dir, file) };
      const known = clientFiles.get(path) ?? lists.get(path);
      if (known !== undefined) return { bytes: Buffer.from(known) };
      const at = path.lastIndexOf('/');
      const folder = repomds.get(path.slice(0, at));
      if (folder === undefined) throw new Error(`${path} has no content`);
      const own = join(folder, path.slice(at + 1));
      if (path.endsWith('.asc')) await signOnce(job, own);
      return { file: own };
    },
  };
}

/** Both copies of repomd.xml have the same signature. */
async function signOnce({ exec, key, signal }: Job, file: string): Promise<void> {
  const signed = await detachedSignature(
    exec,
    key.signer,
    await readBytes(file.replace(/\.asc$/, '')),
    signal,
  );
  await writeText(file, signed);
}

async function newRpms(job: Job): Promise<NewRpm[]> {
  const files = job.groups.flatMap(({ files: all }) =>
    all
      .filter(({ kind }) => kind === 'rpm' || kind === 'rpm-debuginfo' || kind === 'rpm-source')
      .map(({ path }) => path),
  );
  if (files.length > 0) return signedRpms([...new Set(files)].sort(), job);
  throw new TurnbuildError('PUBLISH_EMPTY', 'The release has no .rpm for a dnf repository', {
    hint: 'The target with .rpm packages: portable.',
  });
}

/** Makes the metadata of the published packages and the new ones in the folder `new`. */
async function nextMetadata(before: PublishedRepository, packages: readonly NewRpm[], job: Job) {
  const { exec, signal, work, store } = job;
  const fresh = missingRpms(before, packages, store.address);
  const into = join(work, 'new');
  if (fresh.length === 0 && before.files !== undefined) {
    await copyInto(join(work, 'old'), into);
    return before.files;
  }
  const own = join(work, 'fresh');
  await makeFolder(own);
  for (const { file, built } of fresh) {
    await copyInto(join(job.dir, SIGNED, file), join(own, file));
    // The metadata contain the file's time. The same packages must always have the same metadata.
    await setTime(join(own, file), built);
  }
  await describeFolder(exec, own, POOL_FROM_BASE, signal);
  if (before.files === undefined) await copyInto(own, into);
  else await mergeMetadata(exec, { from: [join(work, 'old'), own], into }, signal);
  const files = metadataFiles(await readText(join(into, REPODATA, 'repomd.xml')));
  if (files === undefined)
    throw new TurnbuildError('RPM_TOOL_FAILED', 'createrepo_c wrote other metadata than expected', {
      hint: 'createrepo_c 0.17 to 1.1 are known to work.',
    });
  return files;
}

/** A .repo file: dnf.conf(5), "Repo options". */
function repoFile({ channel }: Job, url: string): string {
  const section = (id: string, name: string, architecture: string, enabled: number) =>
    [
      `[${id}]`,
      `name=${name}`,
      `mirrorlist=${url}/${mirrorListPath(channel, architecture)}`,
      `enabled=${enabled}`,
      'gpgcheck=1',
      'repo_gpgcheck=1',
      `gpgkey=${url}/${KEY_FILE}`,
      '',
    ].join('\n');
  return [
    section('coturn', 'coturn', '$basearch', 1),
    section('coturn-source', 'coturn, source packages', SOURCE, 0),
  ].join('\n');
}
