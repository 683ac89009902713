import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { formatManifest } from '../../src/manifest/store.ts';
import {
  copyRecipes,
  edit,
  FOREIGN,
  fileFolder,
  filesOf,
  manifestOf,
  release as run461,
} from '../support/e2e.ts';
import { rebuildSourcePackage } from '../support/rebuild.ts';
import { type RunOptions, turnbuild } from '../support/turnbuild.ts';

// Cross-compiles coturn with statically linked libraries. release.test.ts verifies such packages.
const dir = fileFolder('portable');
const out = join(dir, 'dist');
const RPM = FOREIGN === 'arm64' ? 'aarch64' : 'x86_64';
const made = (folder: string) => filesOf(folder, /\.(rpm|gz)$/);
const portable = (args: string[], options?: RunOptions) =>
  run461(['--target', 'portable', '--arch', FOREIGN, '--no-verify', ...args], options);
const linkedOn = () =>
  manifestOf(out).steps.find(({ id }) => id === `build:portable:${FOREIGN}`)?.facts?.linked as string[];

describe('turnbuild release --target portable', () => {
  it('builds an .rpm with debug symbols and source package, and a tarball, and records the linked libraries', async () => {
    const first = await portable(['--out', out]);
    expect(first.code, first.stderr).toBe(0);
    expect(made(out)).toEqual(
      [
        `coturn-4.6.1+turnbuild-1.${RPM}.rpm`,
        `coturn-debuginfo-4.6.1+turnbuild-1.${RPM}.rpm`,
        `coturn-4.6.1-linux-${FOREIGN}.tar.gz`,
        'coturn-4.6.1+turnbuild-1.src.rpm',
      ].sort(),
    );
    expect(linkedOn().map((line) => line.split(' ')[0])).toEqual([
      'hiredis',
      'libevent',
      'libmicrohttpd',
      'openssl',
      'sqlite3',
      'zlib',
    ]);
  });

  it('writes a valid CycloneDX bill of materials beside each package', async () => {
    const names = filesOf(out, /\.cdx\.json$/);
    expect(names).toHaveLength(2);
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    for (const name of names)
      expect(await validator.validate(readFileSync(join(out, '4.6.1', name), 'utf8'))).toBeNull();
  });

  it('builds a source package that compiles on its own with the shared libraries of the distribution', () => {
    const source = join(out, '4.6.1/coturn-4.6.1+turnbuild-1.src.rpm');
    const contents = execFileSync('rpm', ['-qpl', source], { encoding: 'utf8' }).trim().split('\n');
    expect(contents).toEqual(['compile.sh', 'coturn.spec', 'linked-in.tar', 'packaging.tar', 'source.tar']);
    const rebuilt = rebuildSourcePackage(source, join(dir, 'rebuilt'));
    expect(rebuilt.file).toMatch(/^coturn-4\.6\.1\+turnbuild-1\.(x86_64|aarch64)\.rpm$/);
    expect(rebuilt.requires).toMatch(/^libssl\.so\.3/m);
    expect(rebuilt.files).toContain('/usr/bin/turnserver\n');
    expect(rebuilt.files).toContain('/usr/share/doc/coturn/ChangeLog\n');
    expect(rebuilt.files).not.toMatch(/mongo/i);
    // A rebuilt package does not contain the shipped bill of materials, because it links other libraries.
    expect(rebuilt.files).not.toContain('cdx.json');
    expect(rebuilt.rpmlint).toMatch(/1 packages? and \d+ specfiles? checked; 0 errors/);
  });
});

describe('turnbuild outdated and release --revision auto', () => {
  const outdated = () => turnbuild(['outdated', out]);
  const auto = () => portable(['--out', out, '--revision', 'auto']);

  it('find no outdated library in new packages, only known vulnerabilities of coturn 4.6.1', async () => {
    const run = await outdated();
    expect(run.stdout).toMatch(/openssl +3\.\S+ +3\.\S+ +bookworm\S* +up to date/);
    expect(run.stdout).toMatch(/critical +CVE-2026-43994 +4\.10\.0/);
    expect(run.stdout).toContain('A rebuild would not fix');
    expect(run.stdout).not.toMatch(/A rebuild is due|A newer coturn is available/);
    expect(run.code).toBe(1);
    const kept = await auto();
    expect(kept.stdout).toContain('keeping revision 1');
    expect(kept.code, kept.stderr).toBe(0);
  });

  it('find a library that is older than in the archive, and rebuild with the current one', async () => {
    const now = linkedOn();
    const old = manifestOf(out);
    const changed = old.steps.map((step) =>
      step.id === `build:portable:${FOREIGN}`
        ? {
            ...step,
            facts: {
              ...step.facts,
              linked: now.map((line) => line.replace(/^openssl \S+/, 'openssl 3.0.1-1')),
            },
          }
        : step,
    );
    writeFileSync(join(out, '4.6.1/manifest.json'), formatManifest({ ...old, steps: changed }, sha256Text));
    const run = await outdated();
    expect(run.stdout).toMatch(/openssl +3\.0\.1-1 +3\.\S+/);
    expect(run.stdout).toContain('turnbuild release 4.6.1 --revision auto');
    expect(run.code).toBe(1);
    const next = await auto();
    expect(next.code, next.stderr).toBe(0);
    expect(next.stdout).toContain('revision 2, for openssl');
    expect(next.stdout).toMatch(/: build: done/);
    expect(linkedOn()).toEqual(now);
    expect(made(out)).toContain(`coturn-4.6.1+turnbuild-2.${RPM}.rpm`);
    // The plan in the folder must be the one of these packages: `collect` requires it.
    const planned = (
      steps: { id: string; planned?: string | undefined; key?: string }[],
      name: 'planned' | 'key',
    ) => Object.fromEntries(steps.map((step) => [step.id, step[name]]));
    const plan = () => JSON.parse(readFileSync(join(out, '4.6.1/plan.json'), 'utf8'));
    expect(planned(manifestOf(out).steps, 'planned')).toEqual(planned(plan().steps, 'key'));
    const later = await auto();
    expect(later.stdout).toContain('keeping revision 2');
    expect(later.stdout).toMatch(/: build: up to date/);
    expect(planned(manifestOf(out).steps, 'planned')).toEqual(planned(plan().steps, 'key'));
  });
});

describe('a release of portable packages fails for', () => {
  const broken = join(dir, 'broken');
  /** Runs a release of recipes with one changed file. It must fail without output. */
  const fails = async (path: string, change: (text: string) => string) => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, path), change);
    const run = await portable(['--out', broken, '--recipes', recipes]);
    expect(run.code).toBe(1);
    expect(made(broken)).toEqual([]);
    return { stderr: run.stderr, text: readFileSync(join(recipes, path), 'utf8') };
  };

  it('a symbol of a newer glibc than that of the target, and names it', async () => {
    const { stderr } = await fails('targets/portable.yaml', (text) =>
      text.replace("glibc: '2.34'", "glibc: '2.33'"),
    );
    expect(stderr).toMatch(/needs .*@GLIBC_2\.34[ ,].*the target's glibc is 2\.33\b[\s\S]*GLIBC_TOO_NEW/);
  });

  it('a static library that the archive lacks', async () => {
    const { stderr } = await fails('targets/portable.yaml', (text) =>
      text.replace('names: [ssl,', 'names: [nosuch, ssl,'),
    );
    expect(stderr).toMatch(/no libnosuch\.a for (amd64|arm64)[\s\S]*STATIC_LIBRARY_MISSING/);
  });

  // One is the archive's own static library, the other is compiled from its source package.
  it.each(['zlib', 'hiredis'])('a library without a license in the recipe: %s', async (name) => {
    const { stderr } = await fails('targets/portable.yaml', (text) =>
      text.replace(new RegExp(`^    ${name}: .*\\n`, 'm'), ''),
    );
    expect(stderr).toMatch(new RegExp(`${name} is linked statically[\\s\\S]*LICENSE_UNKNOWN`));
  });

  it('an error in the spec file, and names its line', async () => {
    const { stderr, text } = await fails('packaging/rpm/coturn.spec', (spec) =>
      spec.replace('%description\n', '%descriptionn\n'),
    );
    const line = text.split('\n').indexOf('%descriptionn') + 1;
    expect(stderr).toMatch(new RegExp(`line ${line}:[\\s\\S]*SPEC_FAILED`));
  });
});
