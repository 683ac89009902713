import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, sha256File, sha256Text } from './files.ts';

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/**
 * Creates an OCI image layout with one layer in `dir` from a root file system, an uncompressed tar. Moves the tar.
 * @param ociArch architecture name of the OCI image specification, e.g. `amd64`
 * @param environment one `NAME=value`
 * @returns the digest of the image manifest, `sha256:…`. It depends only on the tar, the architecture and the environment
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export async function writeOciLayout(
  dir: string,
  rootTar: string,
  ociArch: string,
  environment: string,
): Promise<string> {
  const blobs = join(dir, 'blobs', 'sha256');
  await makeFolder(blobs);
  const layerDigest = await sha256File(rootTar);
  const layer = { mediaType: LAYER_TYPE, digest: `sha256:${layerDigest}`, size: (await stat(rootTar)).size };
  await rename(rootTar, join(blobs, layerDigest));
  const config = await writeBlob(blobs, CONFIG_TYPE, {
    architecture: ociArch,
    os: 'linux',
    config: { Env: [environment] },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = await writeBlob(blobs, MANIFEST_TYPE, {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config,
    layers: [layer],
  });
  const entry = { ...manifest, platform: { architecture: ociArch, os: 'linux' } };
  await writeFile(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  await writeFile(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  return manifest.digest;
}

/** Path of the root file system's tar in a layout created by `writeOciLayout`. @param digest digest of the manifest */
export async function rootLayer(dir: string, digest: string): Promise<string> {
  const blob = (id: string) => join(dir, 'blobs', 'sha256', id.replace('sha256:', ''));
  const manifest = JSON.parse(await readFile(blob(digest), 'utf8')) as { layers: Descriptor[] };
  const [layer] = manifest.layers;
  if (layer === undefined) throw new Error(`${dir} has no layer`);
  return blob(layer.digest);
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

async function writeBlob(blobs: string, mediaType: string, value: unknown): Promise<Descriptor> {
  const text = JSON.stringify(value);
  const hex = sha256Text(text);
  await writeFile(join(blobs, hex), text);
  return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
}
