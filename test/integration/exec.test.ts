import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { dryRunExec, mustRun, runProcess, SECRET_VARIABLES } from '../../src/io/exec.ts';
import { type Command, formatCommand } from '../../src/plan/command.ts';
import { temporaryFolder } from '../support/sandbox.ts';

const sh = (script: string, effect: Command['effect'] = 'read'): Command => ({
  file: 'sh',
  args: ['-c', script],
  effect,
});

describe('runProcess', () => {
  it('returns exit code and output, and starts no shell', async () => {
    expect(await runProcess(sh('echo out; echo err >&2; exit 3'))).toEqual({
      code: 3,
      stdout: 'out',
      stderr: 'err',
    });
    expect((await runProcess({ file: 'echo', args: ['$HOME; ls'], effect: 'read' })).stdout).toBe(
      '$HOME; ls',
    );
  });

  it("hides secrets in turnbuild's environment from programs", async () => {
    for (const name of SECRET_VARIABLES) vi.stubEnv(name, 'planted');
    try {
      expect((await runProcess({ file: 'env', args: [], effect: 'read' })).stdout).not.toContain('planted');
    } finally {
      vi.unstubAllEnvs();
    }
    for (const name of ['ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'GITHUB_TOKEN', 'AWS_SECRET_ACCESS_KEY'])
      expect(SECRET_VARIABLES).toContain(name);
  });

  it('leaves docker the credentials of its caches, and nothing else', async () => {
    const bin = temporaryFolder();
    writeFileSync(join(bin, 'docker'), '#!/bin/sh\nenv\n', { mode: 0o755 });
    for (const name of SECRET_VARIABLES) vi.stubEnv(name, 'planted');
    vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
    try {
      const { stdout } = await runProcess({ file: 'docker', args: [], effect: 'read' });
      const names = [...stdout.matchAll(/^(\w+)=planted$/gm)].map(([, name]) => name).sort();
      expect(names).toEqual(['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'GITHUB_TOKEN']);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('returns 127 for a missing program', async () => {
    expect((await runProcess({ file: 'no-such-program-here', args: [], effect: 'read' })).code).toBe(127);
  });

  it('passes on the lines of both streams', async () => {
    const lines: string[] = [];
    await runProcess(sh('echo a; echo b >&2; printf c'), { onLine: (line) => lines.push(line) });
    expect(lines.sort()).toEqual(['a', 'b', 'c']);
  });

  it('ends the program on interruption and fails with 130', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const started = Date.now();
    await expect(runProcess(sh('exec sleep 30'), { signal: controller.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
      exitCode: 130,
    });
    expect(Date.now() - started).toBeLessThan(10_000);
  });
});

describe('a program that may finish after an interruption', () => {
  const abortSoon = () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    return { signal: controller.signal, finishes: true };
  };

  it('is awaited, as dpkg requires', async () => {
    const script = "trap '' INT TERM; sleep 1; echo done";
    expect(await runProcess(sh(script), abortSoon())).toMatchObject({ code: 0, stdout: 'done' });
  });

  it('receives SIGINT, so that a download ends', async () => {
    const started = Date.now();
    expect((await runProcess(sh('exec sleep 30'), abortSoon())).code).toBe(130);
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it("runs in its own session, out of reach of the terminal's Ctrl-C", async () => {
    const script = 'read -r _ _ _ _ _ session _ </proc/$$/stat; echo $session $$';
    const [session, own] = (await runProcess(sh(script), { finishes: true })).stdout.split(' ');
    expect(session).toBe(own);
  });
});

describe('dryRunExec', () => {
  it('executes commands that read and only prints commands that write', async () => {
    const printed: string[] = [];
    const exec = dryRunExec((line) => printed.push(line));
    expect((await exec(sh('echo read'))).stdout).toBe('read');
    const write = sh('exit 1', 'write');
    expect(await exec(write)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(printed).toEqual([formatCommand(write)]);
  });
});

describe('mustRun', () => {
  it('turns a failure into one error with the last lines and the command', async () => {
    const failing = mustRun(runProcess, sh('echo first; echo last >&2; exit 7'), 'IT_FAILED');
    await expect(failing).rejects.toMatchObject({
      code: 'IT_FAILED',
      message: expect.stringMatching(/exit code 7[\s\S]*last/),
      hint: expect.stringContaining('sh -c'),
    });
  });
});

describe('formatCommand', () => {
  it('quotes a command for pasting into a shell', async () => {
    const command: Command = {
      file: 'printf',
      args: ['%s|', 'a b', "it's", '$x', ''],
      env: { A: 'b c' },
      effect: 'read',
    };
    const pasted = await runProcess(sh(formatCommand(command)));
    expect(pasted.stdout).toBe("a b|it's|$x||");
  });
});
