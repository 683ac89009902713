// @ts-check
// The buckets of `npm run bench:publish`: the simulators of the tests, behind a proxy with latency.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { slowProxy } from './slow-proxy.js';

const ATTRIBUTES = { contentType: 'application/octet-stream', cacheControl: 'no-cache' };

const support = fileURLToPath(new URL('../../../test/support', import.meta.url));

/** @param {string} path relative to test/support @param {string} dir for the bundle */
async function load(path, dir) {
  const outfile = join(dir, `${path.replace('/', '-')}.mjs`);
  await build({
    entryPoints: [join(support, `${path}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    alias: { vitest: fileURLToPath(new URL('no-test.js', import.meta.url)) },
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}

const sha256 = (/** @type {Buffer} */ bytes) => createHash('sha256').update(bytes).digest('hex');

/** The files of a folder: path -> content. @param {string} dir @returns {Map<string, Buffer>} */
function filesIn(dir) {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [relative(dir, file), readFileSync(file)]));
}

/** Starts the buckets. @param {string} dir a folder for temporary files */
export async function startBuckets(dir) {
  const { s3Simulator } = await load('s3/simulator', dir);
  const { startGcs } = await load('gcs/simulator', dir);
  const s3 = await s3Simulator({ pageSize: 1000 });
  const gcs = await startGcs({ isAnonymous: true });
  const [slowS3, slowGcs] = [await slowProxy(s3.url), await slowProxy(gcs.url)];
  return {
    S3: {
      repo: 's3://packages/coturn',
      env: { ...s3.env, AWS_ENDPOINT_URL_S3: slowS3.url },
      /** Gives it the content of a folder. @param {string} folder */
      fill(folder) {
        s3.objects.clear();
        for (const [path, bytes] of filesIn(folder)) {
          const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
          const metadata = { sha256: sha256(bytes) };
          s3.objects.set(`coturn/${path}`, { bytes, etag, metadata, ...ATTRIBUTES, modified: new Date() });
        }
      },
      proxy: slowS3,
    },
    'Cloud Storage': {
      repo: 'gs://packages/coturn',
      env: { STORAGE_EMULATOR_HOST: slowGcs.url },
      /** Gives it the content of a folder. @param {string} folder */
      fill(folder) {
        gcs.objects.clear();
        for (const [path, bytes] of filesIn(folder)) {
          const name = `coturn/${path}`;
          const resource = { name, ...ATTRIBUTES, metadata: { sha256: sha256(bytes) } };
          gcs.objects.set(name, { name, bytes, generation: '1', updated: new Date(), resource });
        }
      },
      proxy: slowGcs,
    },
  };
}
