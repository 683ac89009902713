import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

// Attacks of a compromised server on the scripts that root runs.
const scripts = new URL('../../recipes/packaging/deb/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, scripts), 'utf8');

let dir: string;
const program = (name: string, text: string) => {
  mkdirSync(join(dir, 'bin'), { recursive: true });
  writeFileSync(join(dir, 'bin', name), `#!/bin/bash\n${text}\n`);
  chmodSync(join(dir, 'bin', name), 0o755);
};
/** Runs a script, and kills it with all its processes after 20 s. */
const run = (shell: string, text: string) => {
  const began = Date.now();
  const result = spawnSync('/usr/bin/timeout', ['--signal=KILL', '20', shell, '-ec', text], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: `${dir}/bin:${process.env.PATH}`, TMPDIR: join(dir, 'tmp') },
  });
  return { ...result, seconds: (Date.now() - began) / 1000 };
};

beforeEach(() => {
  dir = temporaryFolder();
  mkdirSync(join(dir, 'tmp'));
});

describe('the creation of the database', () => {
  const create = (before = '') => {
    const [text] = /^create_database\(\) \{[\s\S]*?^\}/m.exec(read('postinst')) ?? [''];
    const own = text
      .replace('/usr/share/coturn/schema.sql', '/dev/null')
      .replace('--signal=KILL 60', '--signal=KILL 2');
    program('setpriv', 'while [ "$1" != sh ]; do shift; done\nexec "$@"');
    const script = `${before}\nuser=nobody database=${dir}/turndb\n${own}\ncreate_database\necho went on`;
    return run('bash', `exec dash -ec '${script.replaceAll("'", `'\\''`)}'`);
  };

  it('hides the environment of root from the server', () => {
    program('sqlite3', `env >${dir}/environment`);
    expect(create('export LEAK=s3cret').stdout).toBe('went on\n');
    const seen = readFileSync(join(dir, 'environment'), 'utf8');
    expect(seen).toContain('PATH=');
    expect(seen).not.toContain('LEAK');
  });

  it('is given up after a time limit if it is suspended', () => {
    program('sqlite3', 'kill -STOP $$ $PPID');
    const { stdout, stderr, seconds } = create();
    expect(stdout).toBe('went on\n');
    expect(stderr).toMatch(/turndb could not be created/);
    expect(seconds).toBeLessThan(15);
  });

  it('does not wait for a process that keeps its output open', () => {
    program('sqlite3', 'setsid sleep 18 &\n: >"$1"');
    const { stdout, stderr, seconds } = create();
    expect({ stdout, stderr }).toEqual({ stdout: 'went on\n', stderr: '' });
    expect(seconds).toBeLessThan(15);
    expect(readdirSync(join(dir, 'tmp'))).toEqual([]);
  });

  it('has no open files of root except its output', () => {
    program('sqlite3', `cd /proc/self/fd && exec ls >${dir}/seen`);
    const { stdout } = create(`exec 3>>${dir}/three 8</dev/null`);
    expect(stdout).toBe('went on\n');
    // The last error is ls's own.
    expect(readFileSync(join(dir, 'seen'), 'utf8')).toBe('0\n1\n2\n3\n');
  });

  it('reports in one line why it failed', () => {
    program('sqlite3', `printf 'no\\nspace\\e[2J'; exit 1`);
    expect(create().stderr).toBe(
      `coturn: ${dir}/turndb could not be created (nospace[2J); user accounts in a database will not work\n`,
    );
  });
});

describe('a purge', () => {
  const purge = () => {
    for (const name of ['dpkg-maintscript-helper', 'dpkg-statoverride', 'deb-systemd-helper'])
      program(name, name === 'dpkg-statoverride' ? 'exit 1' : ':');
    return run('sh', `set -- purge\n${read('postrm').replaceAll(/(?<=[ ])\/(var|etc|run)/g, `${dir}/$1`)}`);
  };
  const state = () => join(dir, 'var/lib/turn');
  beforeEach(() => {
    for (const path of ['var/lib/turn', 'var/log/turnserver', 'kept'])
      mkdirSync(join(dir, path), { recursive: true });
    writeFileSync(join(dir, 'kept/file'), 'x');
  });

  it('removes a folder in place of the database', () => {
    mkdirSync(join(state(), 'turndb/deep'), { recursive: true });
    symlinkSync(join(dir, 'kept'), join(state(), 'turndb/link'));
    expect(purge()).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(state())).toBe(false);
    expect(readdirSync(join(dir, 'kept'))).toEqual(['file']);
  });

  it('follows no link', () => {
    symlinkSync(join(dir, 'kept'), join(state(), 'turndb'));
    symlinkSync(join(dir, 'kept'), join(dir, 'var/log/turnserver/link'));
    expect(purge()).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(state())).toBe(false);
    expect(readdirSync(join(dir, 'kept'))).toEqual(['file']);
  });

  it('succeeds even if something cannot be removed', () => {
    program('rm', 'echo "rm: busy" >&2; exit 1');
    writeFileSync(join(state(), 'turndb'), '');
    expect(purge()).toMatchObject({ status: 0 });
    expect(lstatSync(state()).isDirectory()).toBe(true);
  });
});
