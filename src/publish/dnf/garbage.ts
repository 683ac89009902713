import { gunzipSync } from 'node:zlib';
import { grouped, type RepositoryKind, type Series } from '../garbage.ts';
import { releaseOf } from '../releases.ts';
import { poolPath, ROOT } from './layout.ts';
import { listedRpms } from './metadata.ts';

const DATA = '[0-9a-f]{64}-(primary|filelists|other)\\.xml\\.gz';
const BASE = 'dnf/(?:testing|stable)/[^/]+/[^/]+?';
/** A file of a state: base, digest, type of the metadata. */
const STATE = new RegExp(`^(${BASE})(-[0-9a-f]{16})/repodata/(?:repomd\\.xml(?:\\.asc)?|${DATA})$`);
/** A file of the plain base, except repomd.xml, which is replaced: base, type. */
const PLAIN = new RegExp(`^(${BASE})/repodata/${DATA}$`);
const PACKAGE = /^dnf\/pool\/[^/]+-([^/-]+-[^/-]+)\.[^./-]+\.rpm$/;

/** What dnf repositories consist of. A state is a generation. In a plain base, each file is one, because several states share the folder. */
export const DNF: RepositoryKind = {
  root: ROOT,
  series(files) {
    const repositories = grouped(files, ({ path }) => STATE.exec(path)?.[1]);
    const states = repositories.map(
      ([base, all]): Series => ({
        pointer: `${base}/mirrorlist`,
        generations: grouped(all, ({ path }) => `${base}${STATE.exec(path)?.[2]}/`).map(([path, own]) => ({
          path,
          files: own,
          index: own.find((file) => STATE.exec(file.path)?.[3] === 'primary')?.path,
        })),
      }),
    );
    const types = grouped(files, ({ path }) => {
      const [, base, type] = STATE.test(path) ? [] : (PLAIN.exec(path) ?? []);
      return base === undefined ? undefined : `${base} ${type}`;
    });
    const plain = types.map(
      ([key, all]): Series => ({
        pointer: `${key.split(' ')[0]}/mirrorlist`,
        generations: all.map((file) => ({
          path: file.path,
          files: [file],
          index: key.endsWith(' primary') ? file.path : undefined,
        })),
      }),
    );
    return [...states, ...plain];
  },
  packageOf(path) {
    const version = PACKAGE.exec(path)?.[1];
    return version === undefined ? undefined : releaseOf(version);
  },
  packagesIn(index) {
    const packages = listedRpms(gunzipSync(index).toString('utf8'));
    if (packages === undefined) throw new Error('unreadable metadata');
    return packages.map(({ file }) => poolPath(file));
  },
};
