import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { debOf } from '../support/deb-builder.ts';
import { turnbuild } from '../support/turnbuild.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let dir: string;
let out: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-cli-'));
  out = join(dir, 'dist');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A `docker` that says what a test wants, first on PATH: these tests are about errors, not about Docker. */
function fakeDocker(script: string): Record<string, string> {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'docker'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'docker'), 0o755);
  return { PATH: `${bin}:${process.env.PATH}` };
}

/** A control file; fields can be replaced. */
function control(fields: Record<string, string>): string {
  const all = { Package: 'coturn', Version: '4.6.1-1', Architecture: 'amd64', ...fields };
  return `${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n`;
}

const BUILDER =
  'printf "Name: test\\nDriver: docker-container\\nNodes:\\nName: n\\nPlatforms: linux/amd64, linux/arm64\\n"';

describe('verify with a package that it can do nothing with: one clear error, nothing written', () => {
  it.each<[string, Buffer, string[], RegExp, number]>([
    ['no package', Buffer.from('#!/bin/sh\n'), [], /is no Debian package.*\n.*\n.*DEB_INVALID/, 1],
    ['another package', debOf(control({ Package: 'nginx' })), [], /not coturn[\s\S]*PACKAGE_NOT_COTURN/, 2],
    ['no word of the distribution', debOf(control({})), [], /--target debian-12[\s\S]*TARGET_UNKNOWN/, 2],
    [
      'another distribution',
      debOf(control({ Version: '4.6.1+turnbuild-1~deb13' })),
      ['--target', 'debian-12'],
      /for debian-13 .*not for debian-12[\s\S]*PACKAGE_FOREIGN/,
      2,
    ],
    ['another architecture', debOf(control({ Architecture: 'mips' })), [], /PACKAGE_ARCH_UNKNOWN/, 2],
    ['two targets', debOf(control({})), ['--target', 'debian-12,debian-13'], /at most one --target/, 2],
  ])('%s', async (_, bytes, args, message, code) => {
    const file = join(dir, 'coturn.deb');
    writeFileSync(file, bytes);
    const run = await turnbuild(['verify', file, ...args, '--out', out]);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
    expect(existsSync(out)).toBe(false);
  });

  it('that is not there', async () => {
    const run = await turnbuild(['verify', join(dir, 'no.deb'), '--out', out]);
    expect(run.stderr).toMatch(/There is no file .*no\.deb[\s\S]*DEB_NOT_FOUND/);
    expect(run.code).toBe(2);
  });
});

describe('usage errors: exit code 2, what and what next, nothing written', () => {
  it.each([
    ['an unknown command', ['relase'], /unknown command 'relase'/],
    ['an unknown option', ['release', '--arhc', 'arm64'], /unknown option '--arhc'/],
    ['an unknown architecture', ['release', '--arch', 'arm46'], /did you mean arm64/],
    ['an unknown check', ['verify', '4.6.1', '--only', 'metrics.nam'], /did you mean metrics\.names/i],
    ['an unknown check to skip', ['release', '--skip', 'metrisc', '--reason', 'x'], /did you mean metrics/i],
    ['a skip without a reason', ['release', '--skip', 'metrics'], /REASON_MISSING/],
    ['an unknown advisory', ['release', '--accept', 'CVE-2026-732155'], /did you mean CVE-2026-73215/i],
    ['an unknown target', ['release', '--target', 'debian-133'], /did you mean debian-13/],
    [
      'an unknown target before the version',
      ['release', '--target', 'debian-133', '4.6.1'],
      /"debian-133"; did you mean debian-13/,
    ],
    ['a revision that is no number', ['release', '--revision', 'two'], /whole number/],
    ['a malformed sha256', ['release', '--sha256', 'abc'], /64 hexadecimal digits/],
    ['a malformed maintainer', ['release', '--maintainer', 'me'], /Name <address@host>/],
    ['a version that is none', ['release', 'newest', '--source', './x.tar.gz'], /newest/],
    [
      'a file that is not there',
      ['release', '4.6.1', '--source', './nothing.tar.gz'],
      /There is no file .*nothing\.tar\.gz/,
    ],
    ['a folder as the source', ['release', '--source', '.'], /--source \. is a folder/],
    ['recipes that are not there', ['release', '--recipes', './nowhere'], /no recipes in/],
  ])('%s', async (_, args, message) => {
    const run = await turnbuild([...args, ...(args[0] === 'release' ? ['--out', out] : [])], {
      cwd: dir,
      env: fakeDocker(BUILDER),
    });
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

describe('Ctrl-C while something does not answer', () => {
  it.each([
    ['doctor', ['doctor']],
    ['release', ['release', '4.6.1']],
  ])('%s ends at once, with 130 and a word', async (_, args) => {
    const asked = join(dir, 'asked');
    const env = fakeDocker(`touch ${asked}; exec sleep 600`);
    const begin = Date.now();
    const run = await turnbuild([...args, ...(args[0] === 'release' ? ['--out', out] : [])], {
      env,
      onStart: (child) => {
        const timer = setInterval(() => {
          if (!existsSync(asked)) return;
          clearInterval(timer);
          child.kill('SIGINT');
        }, 50);
      },
    });
    expect(run.stderr).toMatch(/INTERRUPTED/);
    expect(run.code).toBe(130);
    expect(Date.now() - begin).toBeLessThan(30_000);
    expect(existsSync(out)).toBe(false);
  });
});

describe('Docker that is not there, or says no', () => {
  const args = () => ['release', '4.6.1', '--out', out];

  it('is not installed', async () => {
    const run = await turnbuild(args(), { env: { PATH: dir } });
    expect(run.stderr).toMatch(/docker is not installed[\s\S]*turnbuild doctor[\s\S]*DOCKER_MISSING/);
    expect(run.code).toBe(1);
  });

  it('does not answer', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker('echo "Cannot connect to the Docker daemon" >&2; exit 1'),
    });
    expect(run.stderr).toMatch(/No Docker engine answers[\s\S]*Cannot connect[\s\S]*DOCKER_UNAVAILABLE/);
  });

  it('refuses this user', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker('echo "permission denied while trying to connect" >&2; exit 1'),
    });
    expect(run.stderr).toMatch(/DOCKER_REFUSED/);
  });

  it('has no such builder', async () => {
    const run = await turnbuild([...args(), '--builder', 'farm'], {
      env: fakeDocker('echo "ERROR: no builder \\"farm\\" found" >&2; exit 1'),
    });
    expect(run.stderr).toMatch(/no buildx builder "farm"[\s\S]*BUILDER_UNKNOWN/);
  });

  it('has an engine that is too old', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(
        `case $1 in --context) echo '20.10.24 []' ;; *) printf "Name: default\\nDriver: docker\\nPlatforms: linux/amd64, linux/arm64\\n" ;; esac`,
      ),
    });
    expect(run.stderr).toMatch(/engine is 20\.10\.24; 23\.0 or newer[\s\S]*--builder[\s\S]*DOCKER_TOO_OLD/);
    expect(run.code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it('has a builder elsewhere, and no engine beside it that could run a container', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(`case $1 in version) echo "Cannot connect" >&2; exit 1 ;; *) ${BUILDER} ;; esac`),
    });
    expect(run.stderr).toMatch(
      /No Docker engine answers beside the builder test[\s\S]*--no-verify[\s\S]*LAB_UNAVAILABLE/,
    );
    expect(run.code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  it('has a builder for other processors', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker('printf "Name: odd\\nDriver: remote\\nPlatforms: linux/riscv64\\n"'),
    });
    expect(run.stderr).toMatch(
      /Builder odd runs neither linux\/arm64 nor linux\/amd64[\s\S]*BUILDER_UNSUITABLE/,
    );
    expect(run.code).toBe(1);
  });

  it('has a builder without the platform', async () => {
    const run = await turnbuild(args(), {
      env: fakeDocker(
        `case $1 in --context) echo '26.1.5 []' ;; *) printf "Name: small\\nDriver: docker\\nPlatforms: linux/amd64\\n" ;; esac`,
      ),
    });
    expect(run.stderr).toMatch(/Builder small can't run linux\/arm64[\s\S]*BUILDER_PLATFORM_MISSING/);
    expect(run.code).toBe(1);
    expect(existsSync(out)).toBe(false);
  });
});

describe('recipes of the user', () => {
  it('are checked: every issue with file and line', async () => {
    execFileSync('cp', ['-r', join(root, 'recipes'), join(root, 'patches'), dir]);
    const file = join(dir, 'recipes/targets/debian-12.yaml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('format: deb', 'formt: deb').replace('label: deb12', 'label: []'),
    );
    const run = await turnbuild(['plan', '4.6.1', '--recipes', join(dir, 'recipes')], {
      env: fakeDocker(BUILDER),
    });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/debian-12\.yaml:\d+: unknown key "formt"; did you mean "format"/);
    expect(run.stderr).toMatch(/debian-12\.yaml:\d+: label/);
  });
});

describe('help and completion', () => {
  it.each(['release', 'plan', 'source', 'build', 'package', 'verify', 'doctor', 'completion'])(
    '%s --help has examples',
    async (command) => {
      const run = await turnbuild([command, '--help']);
      expect(run.code).toBe(0);
      expect(run.stdout).toMatch(new RegExp(`Examples:\\n {2}.*turnbuild ${command}`));
    },
  );

  it('bash completes commands and their options', () => {
    const script = execFileSync(process.execPath, [join(root, 'bin/turnbuild.js'), 'completion', 'bash'], {
      encoding: 'utf8',
    });
    const complete = (words: string[]) =>
      execFileSync(
        'bash',
        [
          '-c',
          `${script}\nCOMP_WORDS=(${words.join(' ')} ''); COMP_CWORD=${words.length}; _turnbuild; printf '%s\\n' "\${COMPREPLY[@]}"`,
        ],
        { encoding: 'utf8' },
      ).split('\n');
    expect(complete(['turnbuild'])).toEqual(expect.arrayContaining(['release', 'doctor']));
    expect(complete(['turnbuild', 'release'])).toEqual(expect.arrayContaining(['--arch', '--update-lock']));
    expect(complete(['turnbuild', 'doctor'])).not.toContain('--arch');
  });
});
