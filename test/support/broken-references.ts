import { gunzipSync } from 'node:zlib';
import { sha256Bytes } from '../../src/io/files.ts';
import { byHashPath } from '../../src/publish/apt/layout.ts';
import { parsePackages } from '../../src/publish/apt/packages-index.ts';
import { listedFiles } from '../../src/publish/apt/release-file.ts';
import { listedRpms, metadataFiles } from '../../src/publish/dnf/metadata.ts';

type Files = ReadonlyMap<string, Buffer>;

/** The files that clients start from, also those of a plain base. */
const POINTERS = /\/InRelease$|\/mirrorlist$|^dnf\/[^/]+\/[^/]+\/[^/-]+\/repodata\/repomd\.xml$/;

/** What clients have that have just fetched the files that they start from. */
export function startedClients(files: Files): Files {
  return new Map([...files].filter(([path]) => POINTERS.test(path)));
}

/**
 * What a client of a repository would not find, or find with other content than listed. Signatures are not judged.
 * @param started what clients have started from, at any time before; by default, what the repository has now
 */
export function brokenReferences(files: Files, started: Files = startedClients(files)): string[] {
  return [...started].flatMap(([path, bytes]) => {
    if (path.endsWith('/InRelease')) return brokenSuite(path, bytes.toString(), files);
    if (path.endsWith('/mirrorlist')) return brokenRepository(bytes.toString(), files);
    return brokenBase(path.replace('/repodata/repomd.xml', ''), bytes, files);
  });
}

function wrong(files: Files, path: string, sha256: string): string[] {
  const bytes = files.get(path);
  if (bytes === undefined) return [`${path} is missing`];
  return sha256Bytes(bytes) === sha256 ? [] : [`${path} has other content`];
}

function brokenSuite(path: string, release: string, files: Files): string[] {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const indices = listedFiles(release).filter((each) => each.path.endsWith('.gz'));
  if (indices.length === 0) return [`${path} lists nothing`];
  return indices.flatMap((index) => {
    const whole = `${folder}/${index.path}`;
    const byHash = byHashPath(whole.slice(0, whole.lastIndexOf('/')), index.sha256);
    const problems = wrong(files, byHash, index.sha256);
    if (problems.length > 0) return problems;
    const packages = parsePackages(gunzipSync(files.get(byHash) ?? Buffer.alloc(0)).toString());
    return packages.flatMap((each) => wrong(files, `apt/${each.path}`, each.sha256));
  });
}

function brokenRepository(list: string, files: Files): string[] {
  const base = /(dnf\/\S+?)\/?\s*$/.exec(list)?.[1] ?? '';
  const repomd = files.get(`${base}/repodata/repomd.xml`);
  if (repomd === undefined) return [`${base}/repodata/repomd.xml is missing`];
  const own = files.has(`${base}/repodata/repomd.xml.asc`) ? [] : [`${base} has no signature`];
  return [...own, ...brokenBase(base, repomd, files)];
}

function brokenBase(base: string, repomd: Buffer, files: Files): string[] {
  const metadata = metadataFiles(repomd.toString()) ?? [];
  if (metadata.length === 0) return [`${base} lists nothing`];
  return metadata.flatMap(({ type, path, sha256 }) => {
    const problems = wrong(files, `${base}/${path}`, sha256);
    if (problems.length > 0 || type !== 'primary') return problems;
    const bytes = files.get(`${base}/${path}`) ?? Buffer.alloc(0);
    const rpms = listedRpms(gunzipSync(bytes).toString()) ?? [];
    return rpms.flatMap((each) => wrong(files, `dnf/pool/${each.file}`, each.sha256));
  });
}
