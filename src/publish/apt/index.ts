import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TurnbuildError } from '../../errors.ts';
import { makeFolder, remove, sha256Bytes, writeText } from '../../io/files.ts';
import { clearsign } from '../../io/gpg.ts';
import { gpgv } from '../../io/gpgv.ts';
import type { Job, PlannedJob } from '../job.ts';
import { describeAll } from '../reading.ts';
import { describeDeb, releaseText } from './archive-tool.ts';
import { clientFiles } from './client-files.ts';
import { poolPath, releasePath, suiteName } from './layout.ts';
import { movedTo } from './packages-index.ts';
import { type AptPlan, type NewPackage, neededPaths, planApt } from './plan.ts';
import { readSuite } from './read.ts';
import { contentText, listedFiles } from './release-file.ts';

/** Reads the repository and plans. @throws the errors of readSuite and planApt; PUBLISH_EMPTY if the release has no .deb */
export async function planAptJob(job: Job): Promise<PlannedJob> {
  const { store, channel, key, work, now } = job;
  const packages = await newPackages(job);
  if (packages.length === 0)
    throw new TurnbuildError('PUBLISH_EMPTY', 'The release has no .deb for an apt repository', {
      hint: 'Targets with .deb packages: debian-12, debian-13.',
    });
  const suites = await Promise.all(
    [...new Set(packages.map(({ suite }) => suite))].sort().map(async (suite) => {
      const own = join(work, `read-${suite}`);
      await makeFolder(own);
      return readSuite(suite, { ...job, work: own });
    }),
  );
  const facts = {
    where: store.address,
    channel,
    key: key.fingerprint,
    suites,
    packages,
    clientFiles: clientFiles(
      job,
      suites.map(({ suite }) => suite),
    ),
    now,
    sha256: sha256Bytes,
    compress: (text: string) => gzipSync(text, { level: 9 }),
  };
  const plan = planApt({ ...facts, stored: await describeAll(store, neededPaths(facts)) });
  return {
    destination: plan.destination,
    async contentOf({ path, file }) {
      if (file !== undefined) return { file: join(job.dir, file) };
      const bytes = plan.contents.get(path);
      if (bytes !== undefined) return { bytes };
      const suite = plan.suites.find((each) => releasePath(each.suite) === path);
      if (suite === undefined) throw new Error(`${path} has no content`);
      return { bytes: Buffer.from(await signedRelease(job, plan, suite)) };
    },
  };
}

async function signedRelease(job: Job, plan: AptPlan, suite: AptPlan['suites'][number]): Promise<string> {
  const { exec, key, signal, origin } = job;
  const work = join(job.work, `release-${suite.suite}`);
  await remove(work);
  const fields = { origin, codename: suite.suite.replace(/-testing$/, '') };
  const text = await releaseText(exec, suite, fields, { work, signal });
  const content = contentText(listedFiles(text).filter(({ path }) => path.endsWith('/Packages')));
  const planned = plan.destination.pointers.find(({ path }) => path === releasePath(suite.suite));
  if (sha256Bytes(content) !== planned?.after)
    throw new TurnbuildError(
      'APT_FTPARCHIVE_FAILED',
      `apt-ftparchive lists other indices of ${suite.suite} than planned`,
    );
  const signed = await clearsign(exec, key.signer, text, signal);
  const file = join(work, 'InRelease');
  await writeText(file, signed);
  const { trusted, stderr } = await gpgv(exec, ['--keyring', job.keyring, file], signal);
  if (trusted) return signed;
  throw new TurnbuildError('SIGNING_FAILED', `gpg made a signature that gpgv refuses: ${stderr}`, {
    hint: 'Look at the key: gpg --list-secret-keys --with-subkey-fingerprint',
  });
}

async function newPackages(job: Job): Promise<NewPackage[]> {
  const { dir, exec, signal, channel } = job;
  const files = job.groups.flatMap(({ target, files: all }) =>
    all
      .filter(({ kind }) => kind === 'deb' || kind === 'deb-dbgsym')
      .map(({ path, sha256 }) => ({ target, path, sha256 })),
  );
  return Promise.all(
    files.map(async ({ target, path, sha256 }) => {
      const indexed = await describeDeb(exec, join(dir, path), signal);
      if (indexed.sha256 !== sha256)
        throw new TurnbuildError('ARTIFACT_CHANGED', `${join(dir, path)} was changed while it was in use`);
      return {
        suite: suiteName(job.suiteOf(target), channel),
        file: path,
        indexed: movedTo(indexed, poolPath(path)),
      };
    }),
  );
}
