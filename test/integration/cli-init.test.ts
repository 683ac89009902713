import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const BUILT_IN = JSON.parse(readFileSync(join(ROOT, 'recipes/sources.lock.json'), 'utf8'));
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});
const init = (...words: string[]) => turnbuild(['init', ...words], { cwd: dir });
const written = (name: string) => readFileSync(join(dir, name), 'utf8');

describe('turnbuild init', () => {
  it('writes a project with default settings if there is no terminal', async () => {
    const run = await init();
    expect(run.code, run.stderr).toBe(0);
    expect(parse(written('turnbuild.yaml'))).toEqual({
      ...{ coturn: 'latest', targets: ['debian-12', 'debian-13', 'portable'], revision: 1 },
      architectures: ['arm64', 'x86_64'],
    });
    expect(written('turnbuild.yaml')).toMatch(
      /^# yaml-language-server: \$schema=https:\/\/\S+\/v\d\S+\/schemas\/project\.schema\.json\n[\s\S]*\n# maintainer: Name <address@host>\n$/,
    );
    expect(JSON.parse(written('turnbuild.lock.json'))).toEqual({ schema: 1, sources: {} });
    expect(run.stdout).toMatch(
      / {2}packages:\n {4}uses: turnbuild\/turnbuild\/\.github\/workflows\/pipeline\.yml@v\d\S+\n {4}permissions: /,
    );
    expect(run.stdout).toMatch(/\nNext: npx turnbuild source --update-lock\n$/);
  });

  it('warns about a version that release refuses', async () => {
    const run = await init('--yes', '--coturn', '4.17.1');
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout).toMatch(
      /\nwarning: `release` refuses coturn 4\.17\.1\. Every UDP answer .*\. Choose another version\.\nNext: /,
    );
    for (const coturn of ['4.16.0', '^4.17.0', 'latest'])
      expect((await init('--dry-run', '--coturn', coturn)).stdout).not.toContain('warning: ');
  });

  it('uses the options and copies the built-in pin of an exact version', async () => {
    const maintainer = 'A: B <a@b.example>';
    const run = await init(
      ...[
        '--yes',
        '--coturn',
        'v4.6.1',
        '--target',
        'portable',
        '--arch',
        'amd64',
        '--maintainer',
        maintainer,
      ],
      '--json',
    );
    const settings = { coturn: '4.6.1', targets: ['portable'], architectures: ['x86_64'], maintainer };
    expect(JSON.parse(run.stdout)).toEqual({
      ...{ file: join(dir, 'turnbuild.yaml'), lock: join(dir, 'turnbuild.lock.json'), settings },
      ...{
        ci: expect.arrayContaining(['  uses: turnbuild/turnbuild/.github/workflows/pipeline.yml@v0.1.0']),
        next: 'npx turnbuild release',
      },
    });
    expect(parse(written('turnbuild.yaml'))).toEqual({ ...settings, revision: 1 });
    expect(JSON.parse(written('turnbuild.lock.json')).sources).toEqual({
      '4.6.1': BUILT_IN.sources['4.6.1'],
    });
  });

  it('prints both files in a dry run and writes neither', async () => {
    const run = await init('--dry-run');
    expect(run.stdout).toContain(`${join(dir, 'turnbuild.yaml')}:\n  # yaml-language-server`);
    expect(run.stdout).toContain('\n  coturn: latest\n');
    expect(run.stdout).toContain('"sources": {}');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('refuses to overwrite an existing project', async () => {
    writeFileSync(join(dir, 'turnbuild.yaml'), '# mine\n');
    const run = await init('--yes');
    expect(run.stderr).toBe(
      `turnbuild: ${join(dir, 'turnbuild.yaml')} already exists\n  Edit it, or remove it first.\n  [PROJECT_EXISTS]\n`,
    );
    expect(run.code).toBe(2);
    expect(readdirSync(dir)).toEqual(['turnbuild.yaml']);
    expect(written('turnbuild.yaml')).toBe('# mine\n');
  });

  it('keeps an existing lock file', async () => {
    const lock = JSON.stringify({ schema: 1, sources: {} });
    writeFileSync(join(dir, 'turnbuild.lock.json'), lock);
    expect((await init()).stdout).toContain(`Kept ${join(dir, 'turnbuild.lock.json')}\n`);
    expect(written('turnbuild.lock.json')).toBe(lock);
  });

  it.each<[string, string[], RegExp]>([
    ['version', ['--coturn', 'newest'], /VERSION_INVALID/],
    ['target', ['--target', 'portabel'], /did you mean portable[\s\S]*TARGET_UNKNOWN/],
    ['architecture', ['--arch', 'mips'], /ARCH_UNKNOWN/],
    ['maintainer', ['--maintainer', 'me'], /OPTION_INVALID/],
  ])('refuses an invalid %s and writes nothing', async (_, words, message) => {
    const run = await init(...words);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(2);
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('turnbuild init at a terminal', () => {
  /** Answers each question with keys as soon as it appears. */
  const answer = async (answers: [question: string, keys: string][], ...words: string[]) => {
    const command = `stty cols 100 rows 30; ${process.execPath} ${join(ROOT, 'bin/turnbuild.js')} init ${words.join(' ')}`;
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      cwd: dir,
      env: { PATH: process.env.PATH ?? '', TERM: 'xterm', LC_ALL: 'C.UTF-8', HOME: dir },
    });
    const left = [...answers];
    let screen = '';
    let seen = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      screen += chunk.toString();
      const [next] = left;
      const at = next === undefined ? -1 : screen.indexOf(next[0], seen);
      if (next === undefined || at === -1) return;
      seen = screen.length;
      left.shift();
      child.stdin.write(next[1]);
    });
    const code = await new Promise((done) => child.on('close', done));
    return { code, screen, left };
  };

  it('asks only for settings that no option gives', async () => {
    const { code, screen, left } = await answer(
      [
        ['Which coturn version?', 'newest\r'],
        ['Invalid version', '\u0015^4.18.0\r'],
        // Deselects the first target.
        ['Which targets?', ' \r'],
        ['Who maintains the packages?', 'A <a@b.example>\r'],
      ],
      ...['--arch', 'arm64'],
    );
    expect(left, screen).toEqual([]);
    expect(code, screen).toBe(0);
    expect(screen).not.toContain('Which architectures?');
    expect(parse(written('turnbuild.yaml'))).toEqual({
      ...{ coturn: '^4.18.0', targets: ['debian-13', 'portable'], architectures: ['arm64'], revision: 1 },
      maintainer: 'A <a@b.example>',
    });
  });

  it('asks nothing with --yes', async () => {
    const { code, screen } = await answer([], '--yes');
    expect(code).toBe(0);
    expect(screen).not.toContain('?');
    expect(existsSync(join(dir, 'turnbuild.yaml'))).toBe(true);
  });

  it('exits with 130 on Ctrl-C and writes nothing', async () => {
    const { code, screen } = await answer([['Which coturn version?', '\u0003']]);
    expect(screen).toContain('[INTERRUPTED]');
    expect(code).toBe(130);
    expect(readdirSync(dir)).toEqual([]);
  });
});
