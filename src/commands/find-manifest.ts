import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rcompare } from 'semver';
import { usageError } from '../errors.ts';
import { exists } from '../io/files.ts';
import { comparableVersion } from '../recipe/coturn-version.ts';

/** The given manifest, that of a release's folder, or that of the newest release in a folder of releases. @throws MANIFEST_MISSING */
export async function findManifest(path: string): Promise<string> {
  if (path.endsWith('.json')) return requireFile(resolve(path));
  const own = join(resolve(path), 'manifest.json');
  if (await exists(own)) return own;
  const names = await readdir(resolve(path)).catch(() => []);
  const versions = names.filter((name) => /^\d+\.\d+/.test(name));
  versions.sort((a, b) => rcompare(comparableVersion(a), comparableVersion(b)));
  for (const version of versions) {
    const file = join(resolve(path), version, 'manifest.json');
    if (await exists(file)) return file;
  }
  throw usageError(
    'MANIFEST_MISSING',
    `There is no release in ${resolve(path)}`,
    'Build one with `turnbuild release`, or pass the manifest.json of a release, or its folder.',
  );
}

async function requireFile(file: string): Promise<string> {
  if (await exists(file)) return file;
  throw usageError(
    'MANIFEST_MISSING',
    `File not found: ${file}`,
    'Pass the manifest.json of a release, or its folder.',
  );
}
