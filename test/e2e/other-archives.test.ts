import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAptMirrors } from '../../src/io/apt-mirror.ts';
import { unknownMirrors } from '../../src/plan/archives.ts';
import { mirrorOption } from '../../src/run/options.ts';
import { copyRecipes, debs, fileFolder, NATIVE, ROOT, release } from '../support/e2e.ts';
import { releaseFacts, target, withoutAddresses } from '../support/plan-facts.ts';

const dir = fileFolder('archives');

describe('a target of another archive', () => {
  it('requires only a recipe file and a mirror URL', async () => {
    const { debian } = await readAptMirrors();
    expect(debian).toBeDefined();
    const recipes = copyRecipes(dir);
    // The archive of Debian 13 under an unknown name.
    const recipe = readFileSync(join(recipes, 'targets/debian-13.yaml'), 'utf8')
      .replace('name: debian-13', 'name: other-1')
      .replace(
        'suite: trixie',
        'suite: trixie\narchive: { name: other, suites: [trixie, trixie-updates], components: [main], keyring: /usr/share/keyrings/debian-archive-keyring.gpg }',
      )
      .replace('label: deb13', 'label: other1.0');
    writeFileSync(join(recipes, 'targets/other-1.yaml'), recipe);
    const out = join(dir, 'dist');
    const run = await release([
      ...['--target', 'other-1', '--arch', NATIVE, '--recipes', recipes, '--out', out],
      ...['--mirror', `other=${debian}`, '--only', 'install.clean,elf,package.sbom'],
    ]);
    expect(run.code, run.stderr).toBe(0);
    expect(debs(out)).toHaveLength(2);
    for (const name of debs(out)) expect(name).toMatch(/_4\.6\.1\+turnbuild-1~other1\.0_/);
  });
});

/** Shipped recipes that are not built by default, because they have not been verified yet. */
const unverified = readdirSync(join(ROOT, 'recipes/targets'))
  .map((file) => file.replace('.yaml', ''))
  .filter((name) => !releaseFacts.release.targets.includes(name));

// TURNBUILD_TEST_MIRRORS: `ubuntu=https://… ubuntu/arm64=https://…`
const words = (process.env.TURNBUILD_TEST_MIRRORS ?? '').split(/\s+/).filter((word) => word !== '');

describe('a target that has not been verified:', () => {
  it.for(unverified)('%s is verified if its archive is reachable', async (name, { skip }) => {
    const recipe = target(name);
    // Test only with named mirrors, because the distribution's own repositories may be unreachable.
    const named = recipe.sysroot === undefined ? recipe : withoutAddresses(name);
    const { debian } = await readAptMirrors();
    const unknown = unknownMirrors(named, NATIVE, { ...mirrorOption(words), debian });
    const { keyring } = recipe.archive ?? {};
    const reason =
      unknown.length > 0
        ? `TURNBUILD_TEST_MIRRORS does not say where ${unknown.join(' and ')} are`
        : keyring !== undefined && !existsSync(keyring)
          ? `${keyring} is missing`
          : undefined;
    if (reason !== undefined) {
      console.log(`${name} is not verified: ${reason}`);
      return skip(reason);
    }
    const out = join(dir, name);
    mkdirSync(out);
    const mirrors = words.flatMap((word) => ['--mirror', word]);
    const run = await release(['--target', name, '--arch', NATIVE, ...mirrors, '--out', out]);
    console.log(run.stdout, run.stderr);
    expect(run.code).toBe(0);
  });
});
