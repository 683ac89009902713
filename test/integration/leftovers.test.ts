import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeLeftovers, temporaryName } from '../../src/io/leftovers.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-leftovers-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('removeLeftovers removes the folder of a killed process, but not of a running one or of another root', async () => {
  const gone = spawnSync('true').pid;
  const root = join(dir, 'trixie-arm64-0123456789ab');
  for (const name of [`${root}.${gone}.tmp`, temporaryName(root), root, `${root}-other.${gone}.tmp`]) {
    mkdirSync(name);
    writeFileSync(join(name, 'root.tar'), '');
  }
  await removeLeftovers(root);
  expect(readdirSync(dir).sort()).toEqual(
    [
      'trixie-arm64-0123456789ab',
      `trixie-arm64-0123456789ab-other.${gone}.tmp`,
      `trixie-arm64-0123456789ab.${process.pid}.tmp`,
    ].sort(),
  );
});

it('removeLeftovers accepts a missing folder', async () => {
  await expect(removeLeftovers(join(dir, 'missing/root'))).resolves.toBeUndefined();
});
