import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { debOf } from '../support/deb-builder.ts';
import { BUILDER, fakeDocker } from '../support/fake-docker.ts';
import { turnbuild } from '../support/turnbuild.ts';

let dir: string;
let out: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-cli-'));
  out = join(dir, 'dist');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A control file; fields can be replaced. */
function control(fields: Record<string, string>): string {
  const all = { Package: 'coturn', Version: '4.6.1-1', Architecture: 'amd64', ...fields };
  return `${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n`;
}

describe('verify refuses, without writing anything,', () => {
  it.each<[string, Buffer, string[], RegExp, number]>([
    [
      'a file that is not a package',
      Buffer.from('#!/bin/sh\n'),
      [],
      /is not a valid Debian package.*\n.*\n.*DEB_INVALID/,
      1,
    ],
    ['another package', debOf(control({ Package: 'nginx' })), [], /not coturn[\s\S]*PACKAGE_NOT_COTURN/, 2],
    [
      'a package that does not name its distribution',
      debOf(control({})),
      [],
      /Pass --target \(debian-12, debian-13[\s\S]*TARGET_UNKNOWN/,
      2,
    ],
    [
      'a package of another distribution',
      debOf(control({ Version: '4.6.1+turnbuild-1~deb13' })),
      ['--target', 'debian-12'],
      /for debian-13 .*not for debian-12[\s\S]*PACKAGE_FOREIGN/,
      2,
    ],
    [
      'a package of an unknown architecture',
      debOf(control({ Architecture: 'mips' })),
      [],
      /PACKAGE_ARCH_UNKNOWN/,
      2,
    ],
    [
      'a package with --source',
      debOf(control({})),
      ['--source', 'debian'],
      /--source cannot be used with a package file/,
      2,
    ],
    [
      'options that apply only to packages built from sources',
      debOf(control({})),
      ['--revision', '2', '--allow-quarantined'],
      /--revision, --allow-quarantined cannot be used with a package file[\s\S]*OPTION_CONFLICT/,
      2,
    ],
    [
      'more than one target',
      debOf(control({})),
      ['--target', 'debian-12,debian-13'],
      /at most one --target/,
      2,
    ],
  ])('%s', async (_, bytes, args, message, code) => {
    const file = join(dir, 'coturn.deb');
    writeFileSync(file, bytes);
    const run = await turnbuild(['verify', file, ...args, '--out', out]);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
    expect(existsSync(out)).toBe(false);
  });

  it('an .rpm', async () => {
    const run = await turnbuild(['verify', join(dir, 'coturn-4.6.1-1.x86_64.rpm'), '--out', out]);
    expect(run.stderr).toMatch(/is an \.rpm[\s\S]*--target portable[\s\S]*PACKAGE_FORMAT_UNKNOWN/);
    expect(run.code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  it.each(['...deb', '..deb', '\u202egpj.deb', 'a\u001b[2J.deb'])(
    'a name that escapes its folder or displays as another one: %j',
    async (name) => {
      const file = join(dir, name);
      writeFileSync(file, debOf(control({})));
      const run = await turnbuild(['verify', file, '--target', 'debian-12', '--out', out]);
      expect(run.stderr).toMatch(/cannot be used as the name of its results folder[\s\S]*ARGUMENT_INVALID/);
      expect(run.code).toBe(2);
      expect(existsSync(out)).toBe(false);
    },
  );

  it('a missing package', async () => {
    const run = await turnbuild(['verify', join(dir, 'no.deb'), '--out', out]);
    expect(run.stderr).toMatch(/File not found: .*no\.deb[\s\S]*DEB_NOT_FOUND/);
    expect(run.code).toBe(2);
  });
});

describe('debug symbols beside a package', () => {
  /** The inputs of a verification, which fails next because mmdebstrap is missing. */
  const taken = async () => {
    const file = join(dir, 'coturn.deb');
    writeFileSync(file, debOf(control({})));
    const env = { ...fakeDocker(dir, BUILDER), PATH: join(dir, 'bin'), TURNBUILD_CACHE: join(dir, 'cache') };
    const run = await turnbuild(['verify', file, '--target', 'debian-13', '--out', out], { cwd: dir, env });
    expect(run.stderr).toContain('MMDEBSTRAP_MISSING');
    return readdirSync(join(out, 'verified/coturn')).filter((name) => name.endsWith('.deb'));
  };
  const symbols = 'coturn-dbgsym_4.6.1-1_amd64.deb';

  it('are copied with it', async () => {
    writeFileSync(join(dir, symbols), 'symbols');
    expect((await taken()).sort()).toEqual([symbols, 'coturn.deb']);
  });

  it.each<[string, (path: string) => void]>([
    ['a link, which may point to any file on this machine', (path) => symlinkSync('/etc/hostname', path)],
    ['a folder', (path) => mkdirSync(path)],
  ])('are ignored if they are %s', async (_, make) => {
    make(join(dir, symbols));
    expect(await taken()).toEqual(['coturn.deb']);
  });
});
