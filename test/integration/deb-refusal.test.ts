import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { buildError } from '../../src/stages/shared/build-error.ts';
import { arOf } from '../support/deb-builder.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { file, tarOf } from '../support/tar-builder.ts';

const SCRIPT = fileURLToPath(new URL('../../recipes/docker/deb/inspect-read.sh', import.meta.url));
const control = gzipSync(
  tarOf(
    file(
      './control',
      'Package: coturn\nVersion: 4.6.1-1\nArchitecture: amd64\nMaintainer: a <a@b.example>\nDescription: x\n',
    ),
  ),
);
const data = gzipSync(tarOf(file('./usr/a', 'x')));
const first: [string, Buffer] = ['debian-binary', Buffer.from('2.0\n')];
const second: [string, Buffer] = ['control.tar.gz', control];

/** Reads a package like the inspection. */
function readDeb(bytes: Buffer, path?: string) {
  const dir = temporaryFolder();
  const deb = join(dir, 'coturn.deb');
  writeFileSync(deb, bytes);
  const run = spawnSync('sh', ['-euc', '. "$1"; read_deb "$2" -x tree; echo read', 'sh', SCRIPT, deb], {
    cwd: dir,
    encoding: 'utf8',
    ...(path === undefined ? {} : { env: { ...process.env, PATH: `${path}:${process.env.PATH}` } }),
  });
  return { ...run, dir };
}

/** A fake dpkg-deb that fails with this message. */
function failing(words: string): string {
  const bin = temporaryFolder();
  writeFileSync(join(bin, 'dpkg-deb'), `#!/bin/sh\nprintf '${words}' >&2\nexit 2\n`, { mode: 0o755 });
  return bin;
}

describe('the inspection of a package', () => {
  it('unpacks a valid package', () => {
    const run = readDeb(arOf([first, second, ['data.tar.gz', data]]));
    expect(run).toMatchObject({ status: 0, stdout: 'read\n', stderr: '' });
    expect(readFileSync(join(run.dir, 'tree/usr/a'), 'utf8')).toBe('x');
  });

  it.each<[string, Buffer, string]>([
    [
      'two control members',
      arOf([first, second, second, ['data.tar.gz', data]]),
      "archive 'coturn.deb' contains two control members, giving up",
    ],
    [
      'a file outside the tree',
      arOf([first, second, ['data.tar.gz', gzipSync(tarOf(file('./../../x', 'x')))]]),
      "tar: ./../../x: Member name contains '..'",
    ],
  ])('reports in one sentence why dpkg-deb refuses a package: %s', (_, bytes, reason) => {
    const run = readDeb(bytes);
    expect(run).toMatchObject({ status: 1, stdout: '' });
    const lines = run.stderr.split('\n').map((line) => `#12 0.3 ${line}`);
    expect(buildError('verify:x:arm64', ['#3 0.1 Get:1 InRelease', ...lines])).toMatchObject({
      code: 'DEB_INVALID',
      message: `dpkg-deb refuses coturn.deb: ${reason}`,
      hint: "The step's log has the complete output.",
    });
  });

  it.each([
    ['a full disk', 'tar: x: Cannot write: No space left on device\\n', 'DISK_FULL'],
    ['a dpkg-deb that was killed', '', 'BUILD_FAILED'],
  ])('does not blame the package for %s', (_, words, code) => {
    const run = readDeb(arOf([first, second, ['data.tar.gz', data]]), failing(words));
    expect(run.status).toBe(1);
    expect(buildError('verify:x:arm64', run.stderr.split('\n')).code).toBe(code);
  });
});
