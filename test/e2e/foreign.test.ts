import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DEBIAN_418, downloadDebian418 } from '../support/debian-coturn.ts';
import { checksOf, fileFolder, JOBS, manifestOf, NATIVE, unpassed } from '../support/e2e.ts';
import { turnbuild } from '../support/turnbuild.ts';

const dir = fileFolder('foreign');
/** What is true of any good server, whoever has packaged it: of its programs, and in the laboratory. */
const GROUPS = ['elf', 'network', 'answers', 'capacity', 'packets'];

it('verify FILE: a modern server passes, but for what Debian has decided otherwise', async ({ skip }) => {
  const reason = await downloadDebian418(dir);
  if (reason !== undefined) {
    console.log(`Debian's coturn 4.18.0-1 is not verified: ${reason}`);
    return skip(reason);
  }
  const args = ['--target', 'debian-13', '--only', GROUPS.join(','), '--out', dir, ...JOBS];
  const run = await turnbuild(['verify', join(dir, `${DEBIAN_418}.deb`), ...args]);
  expect(run.stderr).toMatch(/VERIFY_FAILED/);
  expect(run.code).toBe(1);
  const checks = checksOf(manifestOf(join(dir, 'verified'), DEBIAN_418), `verify:debian-13:${NATIVE}`);
  const tried = new Map([...checks].filter(([id]) => GROUPS.includes(id.split('.')[0] ?? '')));
  expect(tried.size).toBeGreaterThan(30);
  expect(unpassed(tried)).toEqual([
    // It is built without Prometheus, and its configuration, in which everything is a comment, denies no private peers.
    'elf.prometheus failed',
    'elf.debug-symbols skipped',
    'answers.peer failed',
    'packets.sanitizer skipped',
  ]);
});
