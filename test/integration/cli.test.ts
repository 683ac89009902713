import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUILDER, fakeDocker } from '../support/fake-docker.ts';
import { turnbuild } from '../support/turnbuild.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const DEB_IMAGE = ['--target', 'debian-12', '--verify-on', `almalinux:9@sha256:${'0'.repeat(64)}`];
let dir: string;
let out: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-cli-'));
  out = join(dir, 'dist');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a usage error exits with 2, names the problem and writes nothing:', () => {
  it.each([
    ['an unknown command', ['relase'], /unknown command 'relase'/],
    [
      'help with an unknown command',
      ['help', 'relase'],
      /^turnbuild: unknown command 'relase'\n {2}Did you mean release\? See turnbuild --help\.\n {2}\[COMMAND_UNKNOWN\]\n$/,
    ],
    ['help with an option', ['help', '--jsno'], /^turnbuild: unknown option '--jsno'\n/],
    [
      'help with a word that resembles no command',
      ['help', 'nosuch'],
      /^turnbuild: unknown command 'nosuch'\n/,
    ],
    [
      '--version instead of an argument',
      ['release', '--version', '4.6.2'],
      /as an argument: turnbuild release/,
    ],
    [
      'an option of another command',
      ['plan', '--jobs', '2'],
      /'--jobs'[\s\S]*option of release, build, package/,
    ],
    ['a prefix of a command', ['lint', 'x'], /unknown command 'lint'[\s\S]*Did you mean lint-config/],
    ['an unknown option', ['release', '--arhc', 'arm64'], /'--arhc'[\s\S]*See turnbuild release --help/],
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
    ['a revision that is not a number', ['release', '--revision', 'two'], /whole number/],
    [
      'a malformed sha256',
      ['release', '--sha256', 'abc'],
      /Invalid --sha256: expected 64 hexadecimal digits/,
    ],
    ['a malformed maintainer', ['release', '--maintainer', 'me'], /Name <address@host>/],
    ['an invalid version with --source', ['release', 'newest', '--source', './x.tar.gz'], /newest/],
    ['an invalid version', ['release', 'newest'], /Invalid version "newest"/],
    ['an unsupported URL scheme', ['release', '--source', 'ftp://a.example/c.tar.gz'], /http or https/],
    ['an invalid URL', ['release', '--source', 'http://'], /http or https/],
    [
      'a missing source file',
      ['release', '4.6.1', '--source', './nothing.tar.gz'],
      /File not found: .*nothing\.tar\.gz/,
    ],
    ['a folder as the source', ['release', '--source', '.'], /--source \. is a folder/],
    ['an unpinned image', ['verify', '4.6.1', '--verify-on', 'almalinux:9'], /pinned by digest/],
    [
      'a mirror that is not a URL',
      ['release', '--mirror', 'ubuntu'],
      /Invalid --mirror "ubuntu": expected URL or NAME=URL/,
    ],
    ['verify with --no-verify', ['verify', '4.6.1', '--no-verify'], /unknown option '--no-verify'/],
    ['a check without verification', ['release', '--no-verify', '--only', 'relay'], /OPTION_CONFLICT/],
    ['a skip without verification', ['release', '--no-verify', '--skip', 'relay'], /OPTION_CONFLICT/],
    ['--full without verification', ['release', '--full', '--no-verify'], /OPTION_CONFLICT/],
    ['an accepted advisory without verification', ['release', '--no-verify', '--accept', 'x'], /CONFLICT/],
    ['an image without verification', ['release', '--no-verify', '--verify-on', 'x'], /OPTION_CONFLICT/],
    ['a reason without --skip', ['release', '--reason', 'x'], /--reason requires --skip/],
    ['checks in a stage without checks', ['build', '--only', 'relay'], /unknown option '--only'/],
    [
      'a maintainer in the build stage',
      ['build', '--maintainer', 'A <a@b.example>'],
      /unknown option '--maintainer'/,
    ],
    ['a dry run of doctor without --fix', ['doctor', '--dry-run'], /--dry-run requires --fix/],
    ['an image for .deb packages', ['release', ...DEB_IMAGE], /--verify-on applies only to .rpm packages/],
    ['--json with --sarif', ['lint-config', 'x', '--json', '--sarif'], /OPTION_CONFLICT/],
    ['--print-deny with --json', ['lint-config', '--print-deny', '--json'], /OPTION_CONFLICT/],
    ['--print-deny with a file', ['lint-config', 'x', '--print-deny'], /--print-deny takes no file/],
    ['a missing recipes folder', ['release', '--recipes', './nowhere'], /No recipes found in/],
  ])('%s', async (_, args, message) => {
    const run = await turnbuild([...args, ...(args[0] === 'release' ? ['--out', out] : [])], {
      cwd: dir,
      env: fakeDocker(dir, BUILDER),
    });
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

/** Arguments for a shell that runs a script with the program and its arguments as parameters. */
const shell = (script: string, ...args: string[]) =>
  ['-c', script, 'sh', process.execPath, join(root, 'bin/turnbuild.js'), ...args] as const;

describe('turnbuild', () => {
  it('suggests --source if a file is given as the version', async () => {
    writeFileSync(join(dir, 'coturn.zip'), '');
    const run = await turnbuild(['verify', 'coturn.zip'], { cwd: dir, env: fakeDocker(dir, BUILDER) });
    expect(run.stderr).toMatch(/coturn\.zip is a file\. .*--source coturn\.zip/);
    expect(run.code).toBe(2);
  });

  it('reports a full disk behind standard output in one sentence', () => {
    const { status, stderr } = spawnSync('sh', ['-c', 'node bin/turnbuild.js capacity >/dev/full'], {
      cwd: new URL('../../', import.meta.url).pathname,
      encoding: 'utf8',
    });
    expect(stderr).toBe(
      'turnbuild: Cannot write to standard output: no space left on the disk\n  [OUTPUT_FAILED]\n',
    );
    expect(status).toBe(1);
  });

  it('reports that the current folder no longer exists', () => {
    const run = spawnSync('sh', shell('mkdir gone; cd gone; rmdir ../gone; "$@"', 'plan', '4.6.1'), {
      cwd: dir,
      encoding: 'utf8',
    });
    expect(run.stderr).toMatch(/The current folder no longer exists/);
    expect(run.status).toBe(1);
  });

  it.each([
    ['stdout', 'plan --help', '2>errors'],
    ['stderr', 'relase', '2>&1 >/dev/null'],
  ])('keeps its exit code if the reader of its %s has exited', (stream, words, redirection) => {
    // `true` has exited when the program writes. If standard error is not the pipe, a crash would show in the file.
    const script = `{ sleep 0.2; "$@"; echo $? >code; } ${redirection} | true; until test -s code; do sleep 0.1; done`;
    spawnSync('sh', shell(script, ...words.split(' ')), { cwd: dir });
    expect(readFileSync(join(dir, 'code'), 'utf8').trim()).toBe(stream === 'stdout' ? '0' : '2');
  });
});

describe('--recipes', () => {
  it('reports every issue in a recipe with file and line', async () => {
    execFileSync('cp', ['-r', join(root, 'recipes'), join(root, 'patches'), dir]);
    const file = join(dir, 'recipes/targets/debian-13.yaml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('format: deb', 'formt: deb').replace('label: deb13', 'label: []'),
    );
    const run = await turnbuild(['plan', '4.6.1', '--recipes', join(dir, 'recipes')], {
      env: fakeDocker(dir, BUILDER),
    });
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/debian-13\.yaml:\d+: unknown key "formt"; did you mean "format"/);
    expect(run.stderr).toMatch(/debian-13\.yaml:\d+: label/);
  });
});

describe('help', () => {
  it.each([
    ...[
      'init',
      'release',
      'plan',
      'collect',
      'source',
      'build',
      'package',
      'verify',
      'doctor',
      'outdated',
      'completion',
    ],
  ])('%s --help has examples', async (command) => {
    const run = await turnbuild([command, '--help']);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(new RegExp(`Examples:\\n {2}.*turnbuild ${command}`));
  });

  it('prints the usage to standard error and exits with 2 without arguments', async () => {
    const [run, asked] = [await turnbuild([]), await turnbuild(['help', 'help'])];
    expect(run).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Usage: turnbuild .*\n/),
    });
    expect(asked).toEqual({ code: 0, stdout: run.stderr, stderr: '' });
  });

  it.each([
    ['release', ['--no-verify', '--only', '--jobs', '--maintainer', '--out'], []],
    [
      'plan',
      ['--revision', '--builder', '--only', '--native'],
      ['--plan', '--jobs', '--no-cache', '--dry-run'],
    ],
    ['collect', ['--out', '--dry-run'], ['--plan', '--arch', '--builder', '--source']],
    ['source', ['--update-lock', '--out'], ['--arch', '--builder', '--revision', '--jobs', '--only']],
    ['build', ['--jobs', '--refresh-base'], ['--maintainer', '--only', '--no-verify', '--full']],
    ['package', ['--maintainer', '--jobs'], ['--refresh-base', '--only', '--no-verify', '--full']],
    ['verify', ['--only', '--full', '--refresh-base'], ['--no-verify']],
    ['lint-config', ['--source', '--accept'], ['--arch', '--out', '--dry-run', '--jobs']],
  ])('%s --help lists only the options that apply to it', async (command, has, lacks) => {
    const { stdout } = await turnbuild([command, '--help']);
    const listed = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag);
    expect(listed).toEqual(expect.arrayContaining(has));
    for (const flag of lacks) expect(listed).not.toContain(flag);
  });
});
