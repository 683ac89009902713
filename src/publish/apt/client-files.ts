import { KEY_FILE } from '../key-file.ts';
import type { SigningKey } from '../signing-key.ts';
import { COMPONENT, ROOT } from './layout.ts';

/** Path of a suite's .sources file, relative to the repository. */
export function sourcesPath(suite: string): string {
  return `${ROOT}/coturn-${suite}.sources`;
}

/**
 * The files that clients copy: the public key, and a .sources file for each suite if the repository's URL is known.
 * @returns path relative to the repository -> content
 */
export function clientFiles(
  { key, url }: { key: SigningKey; url: string | undefined },
  suites: readonly string[],
): Map<string, Uint8Array> {
  const files = new Map([[KEY_FILE, Buffer.from(key.clientKeys)]]);
  if (url !== undefined)
    for (const suite of suites) files.set(sourcesPath(suite), Buffer.from(sourcesFile(url, suite, key)));
  return files;
}

/** An entry for /etc/apt/sources.list.d with the key in it: sources.list(5), "deb822-style format". */
function sourcesFile(url: string, suite: string, { clientKeys }: SigningKey): string {
  const key = clientKeys
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? ' .' : ` ${line}`));
  return [
    'Types: deb',
    `URIs: ${url}/${ROOT}`,
    `Suites: ${suite}`,
    `Components: ${COMPONENT}`,
    'Signed-By:',
    ...key,
    '',
  ].join('\n');
}
