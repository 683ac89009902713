import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LAB_LABEL } from '../../src/plan/lab.ts';
import { fileFolder, ONE, release } from '../support/e2e.ts';
import type { Run } from '../support/turnbuild.ts';

// What the laboratory leaves on the engine, and what it says of an engine that is not up to it. The files that run beside this one have
// laboratories, too: one's own are known by who has started them.
const dir = fileFolder('laboratory');
/** One check of the laboratory's: a container in which the package is installed is not needed. */
const args = ['--out', join(dir, 'dist'), ...ONE, '--only', 'network.ttl'];

it('leaves no container behind: not after Ctrl-C, and after SIGKILL none that the next run would not remove', async () => {
  const killed = await endInLaboratory('SIGKILL');
  expect(killed.run.code).not.toBe(0);
  const interrupted = await endInLaboratory('SIGINT');
  expect(interrupted.run.stderr).toMatch(/INTERRUPTED/);
  expect(interrupted.run.code).toBe(130);
  for (const { name } of [killed, interrupted]) {
    expect(name).toMatch(/^turnbuild-lab-debian-13-x86-64-/);
    expect(docker('ps', '--all', '--format', '{{.Names}}')).not.toContain(name);
    expect(docker('images', '--format', '{{.Repository}}')).not.toContain(name);
  }
});

it('is not there: says what it takes, and blames no package', async () => {
  // An engine that gives no container the right to make namespaces.
  const bin = join(dir, 'no-namespaces');
  mkdirSync(bin);
  const program = execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/bash\nargs=()\nfor arg; do [ "$arg" = --cap-add=SYS_ADMIN ] || args+=("$arg"); done\nexec ${program} "\${args[@]}"\n`;
  writeFileSync(join(bin, 'docker'), script, { mode: 0o755 });
  let pid: number | undefined;
  const run = await release(args, {
    env: { PATH: `${bin}:${process.env.PATH}` },
    onStart: (child) => {
      pid = child.pid;
    },
  });
  expect(run.stderr).toMatch(/unshare --user[\s\S]*NET_ADMIN, SYS_ADMIN[\s\S]*LAB_NO_NAMESPACES/);
  expect(run.code).toBe(1);
  expect(pid).toBeGreaterThan(0);
  expect(labsOf(pid)).toEqual([]);
});

/** Ends a release by a signal as soon as its laboratory runs. Returns the container's name, too. */
async function endInLaboratory(signal: NodeJS.Signals): Promise<{ run: Run; name: string | undefined }> {
  let name: string | undefined;
  const run = await release(args, {
    onStart: (child) => {
      const timer = setInterval(() => {
        [name] = labsOf(child.pid, '--filter', 'status=running');
        if (name === undefined && child.exitCode === null) return;
        clearInterval(timer);
        child.kill(signal);
      }, 200);
    },
  });
  return { run, name };
}

/** Names of the laboratories that a process has started. */
function labsOf(pid: number | undefined, ...filters: string[]): string[] {
  const owner = `label=${LAB_LABEL}=${hostname()}:${pid}`;
  return docker('ps', '--all', '--filter', owner, ...filters, '--format', '{{.Names}}');
}

function docker(...words: string[]): string[] {
  const text = execFileSync('docker', words, { encoding: 'utf8' });
  return text.split('\n').filter((line) => line !== '');
}
