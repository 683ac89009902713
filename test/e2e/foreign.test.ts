import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readAptMirrors } from '../../src/io/apt-mirror.ts';
import { checksOf, fileFolder, JOBS, manifestOf, NATIVE, unpassed } from '../support/e2e.ts';
import { turnbuild } from '../support/turnbuild.ts';

// Debian's own coturn 4.18.0, of sid: a modern server that can be had without GitHub, packaged by somebody else. Its sources cannot.
const dir = fileFolder('foreign');
const DEB_ARCH = NATIVE === 'arm64' ? 'arm64' : 'amd64';
const NAME = `coturn_4.18.0-1_${DEB_ARCH}`;
const SHA256 = {
  amd64: '609ff9b9f4a4dd7483a13bce5c403a7e0adbeb156a213009d92ece846d3720f8',
  arm64: 'c89138aa849b5e31baa8456374d3fd2fa2fbfc45d082550b67cb694a81b7f48c',
}[DEB_ARCH];
/** What is true of any good server, whoever has packaged it: of its programs, and in the laboratory. */
const GROUPS = ['elf', 'network', 'answers', 'capacity', 'packets'];

it('verify FILE: a modern server passes, but for what Debian has decided otherwise', async ({ skip }) => {
  const reason = await download();
  if (reason !== undefined) {
    console.log(`Debian's coturn 4.18.0-1 is not verified: ${reason}`);
    return skip(reason);
  }
  const args = ['--target', 'debian-13', '--only', GROUPS.join(','), '--out', dir, ...JOBS];
  const run = await turnbuild(['verify', join(dir, `${NAME}.deb`), ...args]);
  expect(run.stderr).toMatch(/VERIFY_FAILED/);
  expect(run.code).toBe(1);
  const checks = checksOf(manifestOf(join(dir, 'verified'), NAME), `verify:debian-13:${NATIVE}`);
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

/** Puts the package into the folder. Returns why that is not possible, where the archive no longer has it. */
async function download(): Promise<string | undefined> {
  const { debian } = await readAptMirrors();
  if (debian === undefined) return '/etc/apt does not say where the archive is';
  const answer = await fetch(`${debian}/pool/main/c/coturn/${NAME}.deb`);
  if (answer.status === 404) return "the archive's pool has dropped it";
  expect(answer.status, `status of ${NAME}.deb`).toBe(200);
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(SHA256);
  writeFileSync(join(dir, `${NAME}.deb`), bytes);
  return undefined;
}
