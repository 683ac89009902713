import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAptMirrors } from '../../src/io/apt-mirror.ts';

// Debian's own coturn 4.18.0 from sid: a modern server, packaged independently, that is available without GitHub. Its sources are not.
const DEB_ARCH = process.arch === 'arm64' ? 'arm64' : 'amd64';
/** Name of the package file, without its ending. */
export const DEBIAN_418 = `coturn_4.18.0-1_${DEB_ARCH}`;
const SHA256 = {
  amd64: '609ff9b9f4a4dd7483a13bce5c403a7e0adbeb156a213009d92ece846d3720f8',
  arm64: 'c89138aa849b5e31baa8456374d3fd2fa2fbfc45d082550b67cb694a81b7f48c',
}[DEB_ARCH];

/** Puts the package into a folder. Returns the reason if the archive no longer has it. */
export async function downloadDebian418(dir: string): Promise<string | undefined> {
  const { debian } = await readAptMirrors();
  if (debian === undefined) return '/etc/apt lists no Debian archive';
  const answer = await fetch(`${debian}/pool/main/c/coturn/${DEBIAN_418}.deb`);
  if (answer.status === 404) return "the archive's pool has dropped it";
  assert.equal(answer.status, 200, `status of ${DEBIAN_418}.deb`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  assert.equal(createHash('sha256').update(bytes).digest('hex'), SHA256);
  writeFileSync(join(dir, `${DEBIAN_418}.deb`), bytes);
  return undefined;
}
