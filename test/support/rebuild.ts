import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { baseContext, readTarget } from '../../scripts/bench/images.js';
import { architectureOf } from '../../scripts/bench/options.js';

const folder = fileURLToPath(new URL('rebuild', import.meta.url));

/** The result of rebuilding a source package: the package's name, requires and files, and rpmlint's output for the source package. */
export interface Rebuilt {
  file: string;
  requires: string;
  files: string;
  rpmlint: string;
}

/** Rebuilds a source package in the base image of an earlier release. @param dir a folder to create */
export function rebuildSourcePackage(source: string, dir: string): Rebuilt {
  const [inputs, out] = [join(dir, 'inputs'), join(dir, 'out')];
  mkdirSync(inputs, { recursive: true });
  copyFileSync(source, join(inputs, 'coturn.src.rpm'));
  const filters = new URL('../../recipes/docker/rpm/inspect-rpmlint.toml', import.meta.url);
  copyFileSync(filters, join(inputs, 'rpmlint.toml'));
  const base = baseContext(readTarget('portable'), architectureOf(process.arch).root);
  execFileSync(
    'docker',
    [
      ...['buildx', 'build', '--progress=plain', '--provenance=false', `--output=type=local,dest=${out}`],
      ...[`--build-context=base=${base}`, `--build-context=inputs=${inputs}`, folder],
    ],
    { stdio: 'pipe' },
  );
  const read = (name: string) => readFileSync(join(out, name), 'utf8');
  return {
    file: readdirSync(out).find((name) => name.endsWith('.rpm')) ?? 'none',
    requires: read('requires.txt'),
    files: read('files.txt'),
    rpmlint: read('rpmlint.txt'),
  };
}
