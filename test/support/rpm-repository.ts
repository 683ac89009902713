import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAptMirrors } from '../../src/io/apt-mirror.ts';
import { runProcess } from '../../src/io/exec.ts';
import { createIo } from '../../src/io/index.ts';
import { type Arch, platformOf } from '../../src/plan/platforms.ts';
import { inspectBuilder } from '../../src/run/builder.ts';
import { cacheFolder } from '../../src/run/session.ts';
import { prepareBase } from '../../src/stages/base.ts';
import { serve } from './http-server.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Packages of a minimal root, and dependencies of coturn's .rpm. */
const ROOT = [
  ...[
    'base-files',
    'base-passwd',
    'bash',
    'coreutils',
    'diffutils',
    'dnf',
    'findutils',
    'gawk',
    'grep',
    'gzip',
  ],
  ...['hostname', 'libc-bin', 'passwd', 'procps', 'python3', 'rpm', 'sed', 'systemd', 'tar', 'util-linux'],
];

/**
 * Makes a repository of signed rpms from Debian 12's own packages in FOLDER/ARCH, with rpm's name of the architecture. It contains the key,
 * key.asc.
 * @param native the architecture of this machine, which runs all tools
 */
export async function makeRpmRepository(
  folder: string,
  arch: Arch,
  { native, libraries }: { native: Arch; libraries: readonly string[] },
): Promise<void> {
  const builder = await inspectBuilder(undefined, { bootstrap: true, exec: runProcess });
  const root = await prepareBase(
    { id: `bookworm-${native}`, suite: 'bookworm', arch: native },
    {
      io: createIo(runProcess, new AbortController().signal),
      cache: cacheFolder(),
      mirrors: await readAptMirrors(),
      refresh: false,
      builder,
      imageFolder: 'recipes/docker/image',
      onLine: () => {},
    },
  );
  const { debian, rpm } = platformOf(arch);
  execFileSync(
    'docker',
    [
      ...['buildx', 'build', '--progress=plain', '--provenance=false'],
      `--output=type=local,dest=${join(folder, rpm)}`,
      ...[`--build-arg=DEB_ARCH=${debian}`, `--build-arg=PACKAGES=${[...ROOT, ...libraries].join(' ')}`],
      ...[
        `--build-context=base=${root.context}`,
        `--build-context=scripts=${path('../../recipes/docker/rpm')}`,
      ],
      path('rpm-repository'),
    ],
    { stdio: 'pipe' },
  );
}

/** Serves a folder on an address that containers reach, too. Returns the address. */
export async function serveFolder(folder: string): Promise<string> {
  const own = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal);
  if (own === undefined) throw new Error('this machine has no IPv4 address that a container can reach');
  const server = await serve((request, response) => {
    const file = join(
      folder,
      normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)),
    );
    try {
      response.end(readFileSync(file));
    } catch {
      response.writeHead(404).end();
    }
  }, own.address);
  return server.url;
}
