import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LAB_LABEL, LAB_PATHS } from '../../src/plan/lab.ts';
import { fileFolder, ONE, release } from '../support/e2e.ts';
import type { Run } from '../support/turnbuild.ts';

// Tests what the laboratory leaves on the engine, and its error on an engine that lacks permissions. Other test files run laboratories at
// the same time, so this one recognises its own by the process that started them.
const dir = fileFolder('laboratory');
/** A check that needs only the laboratory, not a container with the installed package. */
const args = ['--out', join(dir, 'dist'), ...ONE, '--only', 'network.ttl'];

it('the laboratory removes its container on Ctrl-C, and what runs killed by SIGKILL left in the next run', async () => {
  // Of a process that was killed before the image had a container.
  const early = imageOf(spawnSync('true').pid);
  const killed = await endInLaboratory('SIGKILL');
  expect(killed.run.code).not.toBe(0);
  const interrupted = await endInLaboratory('SIGINT');
  expect(interrupted.run.stderr).toMatch(/INTERRUPTED/);
  expect(interrupted.run.code).toBe(130);
  for (const name of [killed.name, interrupted.name])
    expect(name).toMatch(/^turnbuild-lab-debian-13-x86-64-/);
  for (const name of [killed.name, interrupted.name, early]) {
    expect(docker('ps', '--all', '--format', '{{.Names}}')).not.toContain(name);
    expect(docker('images', '--format', '{{.Repository}}')).not.toContain(name);
  }
  // Root in the package's user namespace could take over processes of the container's root there.
  expect(killed.contained.map(({ args }) => args)).toContain('sleep infinity');
  for (const { uid, args } of killed.contained) expect(uid, args).toBeGreaterThanOrEqual(1_000_000_000);
  // Programs that parse packets run without capabilities, in case a packet exploits a bug in one.
  expect(new Set(killed.readers.map(({ program }) => program))).toEqual(
    new Set(['agent', 'openssl', 'tcpdump']),
  );
  for (const reader of killed.readers)
    expect(reader).toEqual({ program: reader.program, uids: [65534], capabilities: [0] });
});

it('an engine that does not allow namespaces fails the release, which names the required capabilities', async () => {
  // An engine that does not let containers create namespaces.
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

/** Sends a signal to a release while its laboratory runs. Returns the container's name and the processes in the package's user namespace. */
async function endInLaboratory(
  signal: NodeJS.Signals,
): Promise<{ run: Run; name: string | undefined; contained: Process[]; readers: Reader[] }> {
  let name: string | undefined;
  let contained: Process[] = [];
  let readers: Reader[] = [];
  const run = await release(args, {
    onStart: (child) => {
      const timer = setInterval(() => {
        [name] = labsOf(child.pid, '--filter', 'status=running');
        if (name !== undefined) contained = containedIn(name);
        if (contained.length === 0 && child.exitCode === null) return;
        clearInterval(timer);
        if (name !== undefined && signal === 'SIGKILL') readers = readersIn(name);
        child.kill(signal);
      }, 200);
    },
  });
  return { run, name, contained, readers };
}

interface Process {
  /** User ID on the host. */
  uid: number;
  args: string;
}

/** Processes of a container in another user namespace than its main program, except the tool that enters it. */
function containedIn(name: string): Process[] {
  const [, ...rows] = docker('top', name, '-eo', 'pid,uid,userns,args');
  const all = rows.flatMap((row) => {
    const [, uid = '', namespace = '', args = ''] = /^\s*\d+\s+(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? [];
    return namespace === '' ? [] : [{ uid: Number(uid), namespace, args }];
  });
  const own = all.find(({ args }) => args.includes(LAB_PATHS.program))?.namespace;
  return all.filter(({ namespace, args }) => namespace !== own && !args.startsWith('nsenter '));
}

/** A program of the laboratory that parses a server's packets. */
interface Reader {
  program: string;
  uids: number[];
  /** Permitted and effective capabilities. */
  capabilities: number[];
}

/** Runs in a container: waits for the DTLS client, which starts after the capture and the agents, and inspects all three. */
function readersIn(name: string): Reader[] {
  const [line = '[]'] = docker('exec', name, 'node', '--eval', `(${lookForReaders.toString()})()`);
  return JSON.parse(line) as Reader[];
}

/** Runs in the container. */
function lookForReaders(): void {
  const { readdirSync, readFileSync } = require('node:fs') as typeof import('node:fs');
  const look = (pid: string) => {
    try {
      const [comm, args, status] = ['comm', 'cmdline', 'status'].map((file) =>
        readFileSync(`/proc/${pid}/${file}`, 'utf8').trim(),
      ) as [string, string, string];
      const words = args.split('\0').filter((word) => word !== '');
      const program =
        comm === 'node' ? words.at(-1) : comm === 'openssl' && words[1] !== 's_client' ? '' : comm;
      const numbers = (pattern: RegExp, base: number) => [
        ...new Set(
          [...status.matchAll(pattern)].flatMap(([, text = '']) =>
            text.split('\t').map((digits) => Number.parseInt(digits, base)),
          ),
        ),
      ];
      return [
        {
          program,
          uids: numbers(/^Uid:\t(.*)$/gm, 10),
          capabilities: numbers(/^Cap(?:Eff|Prm):\t(.*)$/gm, 16),
        },
      ];
    } catch {
      return [];
    }
  };
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const all = readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .flatMap(look);
    if (!all.some(({ program }) => program === 'openssl')) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      continue;
    }
    console.log(
      JSON.stringify(all.filter(({ program = '' }) => ['agent', 'openssl', 'tcpdump'].includes(program))),
    );
    return;
  }
}

/** A laboratory's image of this process. @returns its name */
function imageOf(pid: number): string {
  const name = `turnbuild-lab-early-${pid}`;
  const label = `--label=${LAB_LABEL}=${hostname()}:${pid}`;
  const args = ['buildx', 'build', '--quiet', `--output=type=docker,name=${name}`, label, '-'];
  execFileSync('docker', args, { input: 'FROM scratch\nLABEL early=yes\n' });
  return name;
}

/** Names of the laboratories that a process started. */
function labsOf(pid: number | undefined, ...filters: string[]): string[] {
  const owner = `label=${LAB_LABEL}=${hostname()}:${pid}`;
  return docker('ps', '--all', '--filter', owner, ...filters, '--format', '{{.Names}}');
}

function docker(...words: string[]): string[] {
  const text = execFileSync('docker', words, { encoding: 'utf8' });
  return text.split('\n').filter((line) => line !== '');
}
