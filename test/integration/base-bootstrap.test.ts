import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Exec, runProcess } from '../../src/io/exec.ts';
import { createIo } from '../../src/io/index.ts';
import { prepareBase } from '../../src/stages/base.ts';
import { layoutOf } from '../../src/stages/shared/bases.ts';
import { errorOf, temporaryFolder } from '../support/sandbox.ts';

// A fake mmdebstrap: the real one takes 14 seconds and needs an archive.
const BASE = { id: 'trixie-x86_64', suite: 'trixie', arch: 'x86_64' } as const;
const MAKE =
  'printf "Package: libc6\\nStatus: install ok installed\\nVersion: 2\\n" >"$1/status"; echo root >"$1/root.tar"';
let cache: string;
let calls: string;
beforeEach(() => {
  cache = temporaryFolder();
  calls = join(cache, 'calls');
  writeFileSync(calls, '');
});

/** Prepares the base image with a shell script, whose first argument is the working folder. */
function prepare(
  script: string,
  { signal, refresh = false }: { signal?: AbortSignal; refresh?: boolean } = {},
) {
  const exec: Exec = (command, options) => {
    expect(command.file).toBe('mmdebstrap');
    appendFileSync(calls, 'x');
    const tar = command.args.find((word) => word.endsWith('/root.tar')) ?? '';
    const args = ['-ec', script, 'sh', tar.replace(/\/root\.tar$/, '')];
    return runProcess({ ...command, file: 'sh', args }, options);
  };
  return prepareBase(BASE, { ...optionsFor(exec, signal), refresh });
}

const optionsFor = (exec: Exec, signal = new AbortController().signal) => ({
  io: createIo(exec, signal),
  cache,
  mirrors: { debian: 'http://archive.test/debian', security: undefined, named: {} },
  refresh: false,
  builder: { name: 'test', ociLayouts: true },
  imageFolder: 'recipes/docker/image',
  onLine: () => {},
});

/** Prepares the base image from debian:trixie-slim, whose os-release has the given codename. */
function prepareFromImage(codename: string) {
  const exec: Exec = (command, options) => {
    const folder = command.args.find((word) => word.includes('dest='))?.replace(/^.*dest=/, '') ?? '';
    const facts = `mkdir -p "$1"; echo VERSION_CODENAME=${codename} >"$1/os-release"; printf 'Package: libc6\nVersion: 2\n' >"$1/status"`;
    const script = command.args.includes('--target=facts') ? facts : 'echo root >"$1"';
    return runProcess({ ...command, file: 'sh', args: ['-ec', script, 'sh', folder] }, options);
  };
  const image = `debian:trixie-slim@sha256:${'ab'.repeat(32)}`;
  return prepareBase({ ...BASE, image }, optionsFor(exec));
}

/** The entries of the base images' folders, not recursive. */
const kept = () =>
  readdirSync(join(cache, 'bases')).flatMap((name) => readdirSync(join(cache, 'bases', name)).sort());
const bootstrapped = () => readFileSync(calls, 'utf8').length;

describe('prepareBase', () => {
  it('bootstraps a base image once and reuses it afterwards', async () => {
    const first = await prepare(MAKE);
    expect(first).toMatchObject({ origin: 'bootstrapped', packages: { libc6: '2' } });
    expect(await prepare('exit 1')).toEqual(first);
    expect(bootstrapped()).toBe(1);
  });

  it('bootstraps once for concurrent calls', async () => {
    const both = await Promise.all([prepare(`sleep 0.3; ${MAKE}`), prepare(`sleep 0.3; ${MAKE}`)]);
    expect(both[0]).toEqual(both[1]);
    expect(bootstrapped()).toBe(1);
  });

  it('removes a partial base image on Ctrl-C and bootstraps it in the next run', async () => {
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 300);
    const half = `echo half >"$1/root.tar"; exec sleep 60`;
    const error = await errorOf(prepare(half, { signal: interrupt.signal }));
    expect([error.code, error.exitCode]).toEqual(['INTERRUPTED', 130]);
    expect(kept()).toEqual([]);
    const base = await prepare(MAKE);
    expect(kept()).toEqual([base.digest.replace('sha256:', '').slice(0, 12), 'digest']);
  });

  it('removes a partial base image if mmdebstrap fails', async () => {
    const error = await errorOf(prepare('echo half >"$1/root.tar"; echo "E: planted" >&2; exit 25'));
    expect(error.code).toBe('BOOTSTRAP_FAILED');
    expect(error.message).toMatch(/exit code 25\)\nE: planted/);
    expect(kept()).toEqual([]);
  });

  it('accepts an official image of the same suite and refuses one of another release', async () => {
    const error = await errorOf(prepareFromImage('bookworm'));
    expect([error.code, error.exitCode]).toEqual(['RECIPE_INVALID', 2]);
    expect(error.message).toMatch(
      /^The image debian:trixie-slim@sha256:\w+ is for bookworm, not for trixie$/,
    );
    expect(kept()).toEqual([]);
    expect(await prepareFromImage('trixie')).toMatchObject({ origin: 'registry' });
  });

  it('reports that QEMU is too old if it rejects the CPU options', async () => {
    const said =
      "aarch64-binfmt-P: can't apply global max-arm-cpu.pauth-impdef=on: Property 'max-arm-cpu.pauth-impdef' not found";
    const error = await errorOf(prepare(`echo "${said}" >&2; exit 25`));
    expect(error.code).toBe('QEMU_TOO_OLD');
    expect(error.hint).toMatch(/Update qemu-user-static/);
  });

  it('keeps the old base image, which others may still use, when it refreshes one', async () => {
    const old = await prepare(MAKE);
    const anew = await prepare(MAKE.replace('echo root', 'echo another'), { refresh: true });
    expect(anew.digest).not.toBe(old.digest);
    expect((await prepare('exit 1')).digest).toBe(anew.digest);
    const [dir] = readdirSync(join(cache, 'bases'));
    expect(existsSync(layoutOf(join(cache, 'bases', dir ?? ''), old.digest))).toBe(true);
  });
});
