import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const folder = new URL('../../recipes/docker/verify/', import.meta.url);

/** Runs shell functions of the verification with results in the test's own folder instead of /out. */
function bash(dir: string, script: string, names = ['lib']) {
  const functions = names.map((name) => readFileSync(new URL(`${name}.sh`, folder), 'utf8'));
  mkdirSync(join(dir, 'out'), { recursive: true });
  const run = spawnSync(
    'bash',
    ['-c', `${functions.join('\n').replaceAll('/out/', `${dir}/out/`)}\n${script}`],
    {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${dir}/bin:${process.env.PATH}` },
    },
  );
  return { code: run.status, stdout: run.stdout, stderr: run.stderr };
}

/** The same, asynchronously, so that this process can answer. */
function bashAsync(dir: string, script: string) {
  const functions = readFileSync(new URL('lib.sh', folder), 'utf8').replaceAll('/out/', `${dir}/out/`);
  const child = spawn('bash', ['-c', `${functions}\n${script}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => {
      texts[name] += chunk.toString();
    });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...texts })));
}

describe('run_dnf', () => {
  const attempt = (output: string, code: number) => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'bin'));
    writeFileSync(join(dir, 'bin/dnf'), `#!/bin/sh\ncat <<'END'\n${output}\nEND\nexit ${code}\n`);
    chmodSync(join(dir, 'bin/dnf'), 0o755);
    const run = bash(dir, 'run_dnf install install x; echo "went on $?"', ['lib', '../rpm/verify/lifecycle']);
    return { ...run, facts: readFileSync(join(dir, 'out/facts.txt'), 'utf8') };
  };

  // dnf 4.14's output if repomd.xml is missing, if a list has another hash, and if a server does not answer.
  it.each([
    "Error: Failed to download metadata for repo 'floor': Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried",
    "Error: Failed to download metadata for repo 'floor': Yum repo downloading error: Downloading error(s): repodata/1-primary.xml.gz - Cannot download, all mirrors were already tried without success",
    'Error: Error downloading packages: Curl error (7): Could not connect to server for http://127.0.0.1:9/ []',
  ])('ends the verification if a repository cannot be read: %s', (output) => {
    const run = attempt(output, 1);
    expect(run.stderr).toMatch(/^turnbuild-error: REPOSITORY_FAILED: .*Error: /m);
    expect(run.stdout).not.toContain('went on');
  });

  it('continues if the package fails, which a check reports', () => {
    const run = attempt('Error: nothing provides libssl.so.3()(64bit) needed by coturn', 1);
    expect(run).toMatchObject({ stdout: 'went on 1\n', stderr: '', facts: 'install.exit\t1\n' });
    expect(attempt('Complete!', 0)).toMatchObject({ stdout: 'went on 0\n', facts: 'install.exit\t0\n' });
  });
});

describe('run', () => {
  const limited = (command: string, seconds = 20) => {
    const dir = temporaryFolder();
    const script = `slow() { echo begun; ${command}; }; RUN_SECONDS=${seconds}; run install slow a b; echo "went on $?"`;
    const { stdout } = bash(dir, script);
    const read = (name: string) => readFileSync(join(dir, 'out', name), 'utf8');
    return { stdout, facts: read('facts.txt'), log: read('install.log') };
  };

  it('ends a function that hangs, and logs that', () =>
    expect(limited('sleep 300; echo not reached', 1)).toEqual({
      stdout: 'went on 124\n',
      facts: 'install.exit\t124\n',
      log: 'begun\nturnbuild: slow a b did not finish within 1 s\n',
    }));

  it('records the exit code of a function, and of a command with a shorter limit', () => {
    expect(limited('echo "$1$2"; return 7')).toEqual({
      stdout: 'went on 7\n',
      facts: 'install.exit\t7\n',
      log: 'begun\nab\n',
    });
    expect(limited('timeout 0.1 sleep 300')).toMatchObject({ stdout: 'went on 124\n', log: 'begun\n' });
  });
});

describe('http_get', () => {
  it('gives up on a server that accepts or responds and then stays silent', async () => {
    for (const said of ['', 'HTTP/1.0 200 OK\r\n\r\nthe begin']) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.write(said);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const script = `HTTP_SECONDS=1; http_get 127.0.0.1 ${port} /; echo " $?"`;
      const run = await bashAsync(temporaryFolder(), script);
      server.close();
      expect(run).toMatchObject({ stdout: ' 124\n' });
    }
  });

  it('reads a page and keeps the standard error of the shell', async () => {
    const server = createServer((socket) => socket.resume().end('HTTP/1.0 200 OK\r\n\r\nthe page\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const dir = temporaryFolder();
    const script = `http_get 127.0.0.1 ${port} /; http_get 127.0.0.1 1 / || echo nothing there; abort PLANTED reason`;
    const run = await bashAsync(dir, script);
    await new Promise((resolve) => server.close(resolve));
    expect(run).toEqual({
      code: 1,
      stdout: 'the page\nnothing there\n',
      stderr: 'turnbuild-error: PLANTED: reason\n',
    });
  });
});

describe('require_free_ports', () => {
  it('names the port that is in use and ends the verification', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const dir = temporaryFolder();
    const taken = bash(dir, `require_free_ports 1 ${port}; echo went on`);
    expect(taken.stderr).toMatch(new RegExp(`turnbuild-error: VERIFY_PORT_IN_USE: .*: ${port}\\n$`));
    expect(taken).toMatchObject({ code: 1, stdout: '' });
    await new Promise((resolve) => server.close(resolve));
    expect(bash(dir, `require_free_ports 1 ${port}; echo went on`)).toMatchObject({
      code: 0,
      stdout: 'went on\n',
    });
  });
});
