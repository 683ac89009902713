import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { baseContext, readTarget } from '../../scripts/bench/images.js';
import { architectureOf } from '../../scripts/bench/options.js';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A container registry (Debian's docker-registry) on the loopback, where engines do not require TLS. @param dir a folder to create */
export async function startRegistry(dir: string): Promise<{ address: string; stop: () => void }> {
  const address = `localhost:${await freePort()}`;
  mkdirSync(dir);
  const file = join(dir, 'registry.yml');
  const storage = `storage: { filesystem: { rootdirectory: ${dir}/storage } }`;
  writeFileSync(file, `version: 0.1\nlog: { level: error }\n${storage}\nhttp: { addr: "${address}" }\n`);
  const child = spawn('docker-registry', ['serve', file], { stdio: 'ignore' });
  for (let tries = 0; ; tries++) {
    const answered = await fetch(`http://${address}/v2/`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) break;
    if (tries > 100 || child.exitCode !== null) throw new Error('docker-registry did not start');
    await pause(100);
  }
  return { address, stop: () => void child.kill() };
}

/** Builds and pushes an image. Returns its digest. */
function push(image: string, dir: string, args: string[]): string {
  const metadata = join(dir, 'metadata.json');
  execFileSync(
    'docker',
    [
      ...['buildx', 'build', '--progress=plain', '--provenance=false', `--metadata-file=${metadata}`],
      ...[`--output=type=image,name=${image},push=true`, ...args],
    ],
    { stdio: 'pipe' },
  );
  const { 'containerimage.digest': digest } = JSON.parse(readFileSync(metadata, 'utf8')) as Record<
    string,
    string
  >;
  if (digest === undefined) throw new Error(`${metadata} has no digest of ${image}`);
  return digest;
}

/**
 * Puts an image like those of rpm distributions into a registry: a root that rpm manages, with its own repositories in
 * /etc/yum.repos.d. It is made from the root in which packages are usually verified. Returns its reference, pinned by digest.
 */
export function pushRpmImage(address: string, dir: string): string {
  const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const arch = architectureOf(process.arch);
  const base = baseContext(readTarget('portable'), arch.root);
  const made = push(`${address}/made`, dir, [
    ...['--target=verify-root-rpm-made', `--build-arg=DEB_ARCH=${arch.deb}`, `--build-context=base=${base}`],
    root('recipes/docker'),
  ]);
  const context = `--build-context=made=docker-image://${address}/made@${made}`;
  return `${address}/floor@${push(`${address}/floor`, dir, [context, root('test/support/rpm-image')])}`;
}

/**
 * Puts an image into a registry under the name of Debian's official one: the base image of a target's last release, changed like Docker's
 * images of Debian (https://github.com/debuerreotype/debuerreotype). Returns its digest.
 * @param serial a new value results in a new image
 */
export function pushOfficialImage(address: string, dir: string, target: string, serial: string): string {
  const recipe = readTarget(target);
  return push(`${address}/library/debian:${recipe.suite}-slim`, dir, [
    `--build-context=base=${baseContext(recipe, architectureOf(process.arch).root)}`,
    `--build-arg=SERIAL=${serial}`,
    fileURLToPath(new URL('official-image', import.meta.url)),
  ]);
}
