import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUILDER, fakeDocker, interruptOnce } from '../support/fake-docker.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { turnbuild } from '../support/turnbuild.ts';

/** The commands that `--help` lists, with their own help. */
async function commands(): Promise<{ name: string; help: string }[]> {
  const { stdout } = await turnbuild(['--help']);
  const list = stdout.slice(stdout.indexOf('Commands:'), stdout.indexOf('Examples:'));
  const names = [...list.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name = '']) => name);
  const known = names.filter((name) => name !== 'help');
  return Promise.all(known.map(async (name) => ({ name, help: (await turnbuild([name, '--help'])).stdout })));
}

describe('an error with --json', () => {
  it('is one JSON object on standard output, for a misspelt option of every command that has --json', async () => {
    const all = await commands();
    const documented = all.filter(({ help }) => help.includes('--json')).map(({ name }) => name);
    expect(all.map(({ name }) => name).filter((name) => !documented.includes(name))).toEqual(['completion']);
    for (const name of documented) {
      const run = await turnbuild([name, '--jsno', '--json']);
      expect(JSON.parse(run.stdout)).toEqual({
        code: 'OPTION_UNKNOWN',
        message: expect.stringContaining("unknown option '--jsno'"),
        hint: expect.stringContaining(`turnbuild ${name} --help`),
      });
      expect(run.stderr).toMatch(/^turnbuild: unknown option '--jsno'[\s\S]*\[OPTION_UNKNOWN\]\n$/);
      expect(run.code).toBe(2);
    }
  });

  it.each([
    ['an unknown command', ['relase', '--json'], 'COMMAND_UNKNOWN', 2],
    ['an excess argument', ['doctor', 'now', '--json'], 'ARGUMENT_UNEXPECTED', 2],
    ['an invalid value', ['capacity', '--ports', 'x', '--json'], 'OPTION_INVALID', 2],
    ['a missing file', ['outdated', './nothing', '--json'], 'MANIFEST_MISSING', 2],
    ['a missing argument', ['lint-config', '--json'], 'CONFIG_MISSING', 2],
    ['a missing tarball', ['source', '4.6.1', '--json', '--source', './nothing.tar'], 'SOURCE_NOT_FOUND', 2],
    ['an invalid tarball', ['plan', '4.6.1', '--json', '--source', './x.tar'], 'SOURCE_NOT_TAR', 1],
    ['a missing docker command', ['release', '4.6.1', '--json'], 'DOCKER_MISSING', 1],
    ['an invalid package', ['verify', './x.deb', '--json'], 'DEB_INVALID', 1],
    ['a folder instead of a file', ['plan', '4.6.1', '--json', '--lock', '.'], 'FILE_ERROR', 1],
  ])('is one JSON object for %s', async (_, args, code, exit) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'x.tar'), '');
    writeFileSync(join(cwd, 'x.deb'), '');
    const env = code === 'DOCKER_MISSING' ? { PATH: cwd } : fakeDocker(cwd, BUILDER);
    const run = await turnbuild(args, { cwd, env });
    const { message, hint, ...rest } = JSON.parse(run.stdout);
    expect(rest).toEqual({ code });
    expect(run.stderr).toContain(message);
    if (hint !== null) expect(run.stderr).toContain(hint);
    expect(run.stderr).toContain(`[${code}]`);
    expect(run.code).toBe(exit);
  });

  it('matches the example in docs/exit-codes.md', async () => {
    const run = await turnbuild(['plan', '4.6.1', '--arch', 'mips', '--json']);
    const text = readFileSync(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8');
    const [, shown = '', json = ''] = text.match(/^ {4}(turnbuild: .*?)\n\n.*?^ {4}(\{.*?^ {4}\})/ms) ?? [];
    expect(run.stderr).toBe(`${shown.replace(/^ {4}/gm, '')}\n`);
    expect(run.stdout).toBe(`${json.replace(/^ {4}/gm, '')}\n`);
  });

  it('is printed for Ctrl-C, too', async () => {
    const cwd = temporaryFolder();
    const asked = join(cwd, 'asked');
    const run = await turnbuild(['plan', '4.6.1', '--json'], {
      cwd,
      env: fakeDocker(cwd, `touch ${asked}; exec sleep 600`),
      onStart: interruptOnce(asked),
    });
    expect(JSON.parse(run.stdout)).toMatchObject({ code: 'INTERRUPTED' });
    expect(run.code).toBe(130);
  });

  it.each([
    ['--json is not given', ['plan', '--arch', 'mips']],
    ['--json is the value of another option', ['plan', '--arch', '--json']],
    ['--json is an argument', ['plan', '--', '--json']],
    ['the command has no --json', ['completion', 'bash', '--json']],
  ])('leaves standard output empty if %s', async (_, args) => {
    const run = await turnbuild(args);
    expect(run.stdout).toBe('');
    expect(run.stderr).not.toBe('');
    expect(run.code).toBe(2);
  });
});
