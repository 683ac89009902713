import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { sha256Bytes } from '../../src/io/files.ts';
import { contentText as aptContent, listedFiles } from '../../src/publish/apt/release-file.ts';
import { contentText as dnfContent, metadataFiles } from '../../src/publish/dnf/metadata.ts';
import { serve } from './http-server.ts';
import { temporaryFolder } from './sandbox.ts';
import { createSigningHome, type SigningHome } from './signing-home.ts';
import { type RunOptions, turnbuild } from './turnbuild.ts';

/** The URL of a repository in the files that clients copy, and in its signed metadata. */
export const PUBLIC_URL = 'http://packages.example.org';

/** A folder with releases (`out`) and an empty repository (`repo`), and commands for both. */
export function publicationPlace(
  destinations: string,
  { home, key }: { home: string; key: string },
  dir = temporaryFolder(),
) {
  const [out, repo] = [join(dir, 'dist'), join(dir, 'repo')];
  const args = ['--to', destinations, '--repo', repo, '--sign-with', key, '--out', out, '--url', PUBLIC_URL];
  const run = (
    verb: string,
    more: readonly string[] = [],
    env: Record<string, string> = {},
    onStart?: RunOptions['onStart'],
  ) =>
    turnbuild([verb, ...args, ...more], {
      env: { GNUPGHOME: home, ...env },
      cwd: dir,
      ...(onStart && { onStart }),
    });
  const publish = (more: readonly string[] = [], env: Record<string, string> = {}) =>
    run('publish', more, env);
  return { dir, out, repo, publish, run };
}

/** A signing key for the tests of a file, and places to publish with it. @param destinations e.g. `apt,dnf` */
export function publishing(destinations: string) {
  let keys: SigningHome;
  let key: string;
  beforeAll(() => {
    keys = createSigningHome();
    key = keys.createKey('Packages <packages@example.org>');
  });
  afterAll(() => keys.remove());
  return {
    keys: () => keys,
    key: () => key,
    place: (dir?: string) => publicationPlace(destinations, { home: keys.home, key }, dir),
  };
}

/**
 * The files of a repository and their digests, without those that contain a date or a signature: they have the digest of what they lead to
 * instead, or none.
 */
export function contentOf(repo: string): Record<string, string> {
  const names = readdirSync(repo, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(repo.length + 1))
    .sort();
  return Object.fromEntries(names.map((name) => [name, contentDigest(name, readFileSync(join(repo, name)))]));
}

/** The digest of a file in a repository, or of what it leads to if it contains a date or a signature. */
export function contentDigest(path: string, bytes: Buffer): string {
  if (path.endsWith('/InRelease')) return sha256Bytes(aptContent(listedFiles(bytes.toString())));
  if (path.endsWith('/repomd.xml')) return sha256Bytes(dnfContent(metadataFiles(bytes.toString()) ?? []));
  return path.endsWith('/repomd.xml.asc') ? '' : sha256Bytes(bytes);
}

/**
 * A web server of a repository, which is also a proxy for its public URL.
 * `read` is a file that clients copy: apt gets the server's URL instead of the public one, dnf gets the proxy.
 */
export async function serveRepository(repo: string) {
  const server = await serve((request, response) => {
    const file = join(repo, decodeURIComponent(new URL(request.url ?? '', PUBLIC_URL).pathname));
    if (existsSync(file) && statSync(file).isFile()) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  return {
    ...server,
    read(path: string) {
      const text = readFileSync(join(repo, path), 'utf8');
      if (path.endsWith('.repo')) return text.replaceAll(/^gpgcheck=1$/gm, `$&\nproxy=${server.url}`);
      return text.replaceAll(PUBLIC_URL, server.url);
    },
  };
}
