import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { mirrorOption } from '../../src/commands/options.ts';
import { readAptMirrors } from '../../src/io/apt-mirror.ts';
import { unknownMirrors } from '../../src/plan/archives.ts';
import { releaseFacts, target } from '../support/plan-facts.ts';
import { turnbuild } from '../support/turnbuild.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-e2e-archives-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const native = process.arch === 'arm64' ? 'arm64' : 'x86_64';

describe('a target of another archive', () => {
  it('is one file, and an address', async () => {
    const { debian } = await readAptMirrors();
    expect(debian).toBeDefined();
    for (const name of ['recipes', 'patches']) cpSync(join(root, name), join(dir, name), { recursive: true });
    // The archive of Debian 13, as if nobody had heard of it.
    const recipe = readFileSync(join(root, 'recipes/targets/debian-13.yaml'), 'utf8')
      .replace('name: debian-13', 'name: other-1')
      .replace(
        'suite: trixie',
        'suite: trixie\narchive: { name: other, suites: [trixie, trixie-updates], components: [main], keyring: /usr/share/keyrings/debian-archive-keyring.gpg }',
      )
      .replace('label: deb13', 'label: other1.0');
    writeFileSync(join(dir, 'recipes/targets/other-1.yaml'), recipe);
    const out = join(dir, 'dist');
    const args = ['release', '4.6.1', '--source', 'debian', '--target', 'other-1', '--arch', native];
    const run = await turnbuild([
      ...[...args, '--recipes', join(dir, 'recipes'), '--out', out],
      ...['--mirror', `other=${debian}`, '--only', 'install.clean,elf,package.sbom'],
    ]);
    expect(run.code, run.stderr).toBe(0);
    const made = readdirSync(join(out, '4.6.1')).filter((name) => name.endsWith('.deb'));
    expect(made).toHaveLength(2);
    for (const name of made) expect(name).toMatch(/_4\.6\.1\+turnbuild-1~other1\.0_/);
  });
});

/** Recipes that are shipped and not made by default, because their archives were out of reach. */
const unverified = readdirSync(join(root, 'recipes/targets'))
  .map((file) => file.replace('.yaml', ''))
  .filter((name) => !releaseFacts.release.targets.includes(name));

// TURNBUILD_TEST_MIRRORS: `ubuntu=https://… ubuntu/arm64=https://…`
const words = (process.env.TURNBUILD_TEST_MIRRORS ?? '').split(/\s+/).filter((word) => word !== '');

describe('targets that have not been verified', () => {
  it.for(unverified)('%s is verified where its archive can be reached', async (name, { skip }) => {
    const recipe = target(name);
    const { debian } = await readAptMirrors();
    const unknown = unknownMirrors(recipe, native, { ...mirrorOption(words), debian });
    const { keyring } = recipe.archive ?? {};
    const reason =
      unknown.length > 0
        ? `TURNBUILD_TEST_MIRRORS does not say where ${unknown.join(' and ')} are`
        : keyring !== undefined && !existsSync(keyring)
          ? `${keyring} is not there`
          : undefined;
    if (reason !== undefined) {
      console.log(`${name} is not verified: ${reason}`);
      return skip(reason);
    }
    const out = join(dir, name);
    mkdirSync(out);
    const mirrors = words.flatMap((word) => ['--mirror', word]);
    const args = ['release', '4.6.1', '--source', 'debian', '--target', name, '--arch', native];
    const run = await turnbuild([...args, ...mirrors, '--out', out]);
    console.log(run.stdout, run.stderr);
    expect(run.code).toBe(0);
  });
});
