import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { edit } from './e2e.ts';

/** The attack of a package. */
export interface Attack {
  /** Shell commands at the end of its postinst. */
  postinst?: string;
  /** Changes the text of its unit. */
  unit?: (text: string) => string;
  /** Additional executable files by absolute path. */
  files?: Readonly<Record<string, string>>;
}

/** Repacks a .deb with an attack in it, in place. */
export function plantAttack(dir: string, deb: string, { postinst = '', unit, files = {} }: Attack): void {
  const root = mkdtempSync(join(dir, 'attack-'));
  execFileSync('dpkg-deb', ['--raw-extract', deb, root]);
  for (const [path, text] of Object.entries(files)) {
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o755);
  }
  if (unit !== undefined) edit(join(root, 'usr/lib/systemd/system/coturn.service'), unit);
  const script = join(root, 'DEBIAN/postinst');
  const [before, after] = readFileSync(script, 'utf8').split(/^exit 0$/m);
  assert(after !== undefined, `the postinst of ${deb} does not end with "exit 0"`);
  writeFileSync(script, `${before}\n${postinst}\nexit 0\n`);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', root, deb], { stdio: 'ignore' });
}
