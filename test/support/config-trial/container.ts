import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { rootContext } from '../debian-root.ts';
import type { Observation, Trial } from './observation.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const IMAGE = 'turnbuild-config-trial';

/** The container in which configurations are tried. */
export interface Laboratory {
  /** In the order of the trials. */
  observe(trials: readonly Trial[]): Promise<Observation[]>;
  /** A program of one of the roots. */
  program(version: string): Buffer;
  remove(): void;
}

/**
 * Builds the image, with Debian's coturn 4.6.1 and 4.18.0.
 * @param dir a folder for its inputs
 * @param deb the 4.18.0 of Debian's pool
 * @param roots further roots by name, copied out of images of the engine
 */
export async function createLaboratory(dir: string, deb: string): Promise<Laboratory> {
  const inputs = join(dir, 'image');
  mkdirSync(inputs, { recursive: true });
  copyFileSync(deb, join(inputs, 'coturn.deb'));
  const contexts = [];
  for (const suite of ['bookworm', 'trixie'])
    contexts.push(`--build-context=${suite}=${await rootContext(suite, dir)}`);
  docker(
    'buildx',
    'build',
    '--provenance=false',
    ...contexts,
    `--file=${join(HERE, 'Dockerfile')}`,
    `--output=type=docker,name=${IMAGE},compression=uncompressed`,
    inputs,
  );
  await build({
    entryPoints: [join(HERE, 'program.ts')],
    outfile: join(inputs, 'trial.mjs'),
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node18', logLevel: 'warning' },
  });
  const name = `${IMAGE}-${process.pid}`;
  const container = (work: () => Promise<Observation[]>) =>
    work().finally(() => docker('rm', '--force', '--volumes', name));
  return {
    observe: (trials) =>
      container(async () => {
        // As few rights as namespaces and links take.
        const rights = [
          '--network=none',
          '--cap-add=NET_ADMIN',
          '--cap-add=SYS_ADMIN',
          '--security-opt=apparmor=unconfined',
        ];
        const sysctls = [
          '--sysctl=net.ipv6.conf.all.disable_ipv6=0',
          '--sysctl=net.ipv6.conf.default.disable_ipv6=0',
        ];
        docker('create', '--init', `--name=${name}`, ...rights, ...sysctls, IMAGE, 'node', '/trial.mjs', '2');
        writeFileSync(join(inputs, 'trials.json'), JSON.stringify(trials));
        for (const file of ['trials.json', 'trial.mjs'])
          docker('cp', '--quiet', join(inputs, file), `${name}:/${file}`);
        const seen = await linesOf('docker', ['start', '--attach', name]);
        return seen.map((line) => JSON.parse(line) as Observation).sort((a, b) => a.id - b.id);
      }),
    program(version) {
      docker('create', `--name=${name}`, IMAGE, 'true');
      const to = join(dir, `turnserver-${version}`);
      try {
        docker('cp', '--quiet', `${name}:/roots/${version}/usr/bin/turnserver`, to);
      } finally {
        docker('rm', '--force', name);
      }
      return execFileSync('cat', [to], { maxBuffer: 1 << 26 });
    },
    remove: () => docker('image', 'rm', '--force', IMAGE),
  };
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
    child.once('exit', (code) =>
      code === 0
        ? resolve(text.split('\n').filter((line) => line !== ''))
        : reject(new Error(`the trials ended with ${code}:\n${text.slice(-2000)}`)),
    );
  });
}
