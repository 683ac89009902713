import type { ClientRoot } from './client-root.ts';
import type { Run } from './turnbuild.ts';

type Bytes = string | Buffer;

/** Programs of Debian 13 that verify signatures by a public key with ASCII armor. Each resolves to their exit code and output. */
export interface Judges {
  /** `sqv` on a text that contains its signature. */
  clearsigned(key: Bytes, text: Bytes): Promise<Run>;
  /** `sqv` on a signature in a file of its own. */
  detached(key: Bytes, signature: Bytes, data: Bytes): Promise<Run>;
  /** `apt-get update` with a suite. @param files paths relative to the archive -> content */
  apt(key: Bytes, suite: string, files: ReadonlyMap<string, Bytes>): Promise<Run>;
  /** `rpmkeys --checksig`, which requires a signature, after `rpmkeys --import` into a database that has no other key. */
  rpm(key: Bytes, rpm: Bytes): Promise<Run>;
}

/** @param root of Debian 13 */
export function judgesIn(root: ClientRoot): Judges {
  let count = 0;
  /** Runs a shell script in a new folder with files. */
  const judged = (script: string, files: readonly (readonly [string, Bytes])[]) => {
    count += 1;
    const dir = `judged/${count}`;
    for (const [name, bytes] of files) root.file(`${dir}/${name}`, bytes);
    return root.run(['sh', '-ec', `cd /${dir}\n${script}`]);
  };
  return {
    clearsigned: (key, text) =>
      judged('sqv --keyring key.asc --output verified --cleartext text', [
        ['key.asc', key],
        ['text', text],
      ]),
    detached: (key, signature, data) =>
      judged('sqv --keyring key.asc --signature-file signature data', [
        ['key.asc', key],
        ['signature', signature],
        ['data', data],
      ]),
    apt: (key, suite, files) =>
      judged(
        `cat >archive.sources <<END
Types: deb
URIs: file:$PWD/archive
Suites: ${suite}
Components: main
Architectures: amd64
Signed-By: $PWD/key.asc
END
mkdir -p lists/partial
apt-get update -o APT::Update::Error-Mode=any -o Dir::Etc::SourceList=$PWD/archive.sources \
  -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$PWD/lists`,
        [['key.asc', key], ...[...files].map(([path, bytes]) => [`archive/${path}`, bytes] as const)],
      ),
    rpm: (key, rpm) =>
      judged(
        `mkdir db
rpmkeys --dbpath $PWD/db --import key.asc
rpmkeys --dbpath $PWD/db --define '_pkgverify_level all' --checksig package.rpm`,
        [
          ['key.asc', key],
          ['package.rpm', rpm],
        ],
      ),
  };
}
