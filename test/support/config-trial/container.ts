import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { rootContext } from '../debian-root.ts';
import type { Observation, Trial } from './observation.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** A coturn to test: the package of a suite's own archive, or a .deb for it. */
export interface TriedCoturn {
  version: string;
  suite: 'bookworm' | 'trixie';
  deb?: string;
}

/** The container that runs the trials. */
export interface Laboratory {
  /** In the order of the trials. */
  observe(trials: readonly Trial[]): Promise<Observation[]>;
  /** The turnserver of a version. */
  program(version: string): Buffer;
  remove(): void;
}

/** Builds an image with a root for each coturn. @param dir a folder for its inputs */
export async function createLaboratory(dir: string, coturns: readonly TriedCoturn[]): Promise<Laboratory> {
  const inputs = join(dir, 'image');
  mkdirSync(inputs, { recursive: true });
  for (const { version, deb } of coturns)
    if (deb !== undefined) copyFileSync(deb, join(inputs, `${version}.deb`));
  writeFileSync(join(inputs, 'Dockerfile'), dockerfile(coturns));
  const contexts = [];
  for (const suite of new Set(['trixie', ...coturns.map((each) => each.suite)]))
    contexts.push(`--build-context=${suite}=${await rootContext(suite, dir)}`);
  const name = `turnbuild-config-trial-${process.pid}`;
  const output = `type=docker,name=${name},compression=uncompressed`;
  docker('buildx', 'build', '--provenance=false', ...contexts, `--output=${output}`, inputs);
  const program = join(inputs, 'trial.mjs');
  await build({
    entryPoints: [join(HERE, 'program.ts')],
    outfile: program,
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node18', logLevel: 'warning' },
  });
  return {
    async observe(trials) {
      // Required for namespaces and the links between them.
      const rights = ['NET_ADMIN', 'SYS_ADMIN'].map((right) => `--cap-add=${right}`);
      const ipv6 = ['all', 'default'].map((which) => `--sysctl=net.ipv6.conf.${which}.disable_ipv6=0`);
      const isolated = ['--network=none', '--security-opt=apparmor=unconfined', ...rights, ...ipv6];
      docker('create', '--init', `--name=${name}`, ...isolated, name, 'node', '/trial.mjs', String(AT_ONCE));
      try {
        writeFileSync(join(inputs, 'trials.json'), JSON.stringify(trials));
        docker('cp', '--quiet', join(inputs, 'trials.json'), `${name}:/trials.json`);
        docker('cp', '--quiet', program, `${name}:/trial.mjs`);
        const lines = await linesOf('docker', ['start', '--attach', name]);
        return lines.map((line) => JSON.parse(line) as Observation).sort((a, b) => a.id - b.id);
      } finally {
        docker('rm', '--force', '--volumes', name);
      }
    },
    program(version) {
      const to = join(dir, `turnserver-${version}`);
      docker('create', `--name=${name}`, name, 'true');
      try {
        docker('cp', '--quiet', `${name}:/roots/${version}/usr/bin/turnserver`, to);
      } finally {
        docker('rm', '--force', name);
      }
      return readFileSync(to);
    },
    remove: () => docker('image', 'rm', '--force', name),
  };
}

/** Servers at a time: a trial mostly waits for sockets and answers. */
const AT_ONCE = 3;
const INSTALL =
  'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends';

function dockerfile(coturns: readonly TriedCoturn[]): string {
  const stages = coturns.map(({ version, suite, deb }, index) => {
    const copy = deb === undefined ? '' : `COPY ${version}.deb /tmp/coturn.deb\n`;
    return `FROM ${suite} AS coturn-${index}\n${copy}RUN ${INSTALL} ${deb === undefined ? 'coturn' : '/tmp/coturn.deb'}\n`;
  });
  // Without a network, resolving a name would take longer than the time limit for a server's start.
  const copies = coturns.map(
    ({ version }, index) =>
      `COPY --from=coturn-${index} / /roots/${version}\nRUN echo 'hosts: files' >/roots/${version}/etc/nsswitch.conf\n`,
  );
  return `${stages.join('\n')}\nFROM trixie\nRUN ${INSTALL} iproute2 nodejs\n${copies.join('')}`;
}

function docker(...args: string[]): void {
  execFileSync('docker', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function linesOf(file: string, args: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.once('close', (code) =>
      code === 0
        ? resolve(text.split('\n').filter((line) => line !== ''))
        : reject(new Error(`the trials exited with code ${code}:\n${text.slice(-2000)}`)),
    );
  });
}
