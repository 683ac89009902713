import { gunzipSync } from 'node:zlib';
import { grouped, type RepositoryKind } from '../garbage.ts';
import { releaseOf } from '../releases.ts';
import { ROOT, releasePath } from './layout.ts';
import { parsePackages } from './packages-index.ts';

const BY_HASH = /^apt\/dists\/([^/]+)\/main\/binary-[a-z0-9]+\/by-hash\/SHA256\/[0-9a-f]{64}$/;
const PACKAGE = /^apt\/pool\/main\/c\/coturn\/[^/_]+_([^/_]+)_[a-z0-9]+\.deb$/;

/** What an apt repository consists of. Each index under its hash is a generation of its own. */
export const APT: RepositoryKind = {
  root: ROOT,
  series(files) {
    const folders = grouped(files, ({ path }) =>
      BY_HASH.test(path) ? path.slice(0, path.lastIndexOf('/')) : undefined,
    );
    return folders.map(([folder, indices]) => ({
      pointer: releasePath(BY_HASH.exec(`${folder}/${'0'.repeat(64)}`)?.[1] ?? ''),
      generations: indices.map((file) => ({ path: file.path, files: [file], index: file.path })),
    }));
  },
  packageOf(path) {
    const version = PACKAGE.exec(path)?.[1];
    return version === undefined ? undefined : releaseOf(version);
  },
  packagesIn(index) {
    return parsePackages(gunzipSync(index).toString('utf8')).map(({ path }) => `${ROOT}/${path}`);
  },
};
