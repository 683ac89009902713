import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Exec, ExecResult } from '../../src/io/exec.ts';
import { sha256Bytes, sha256Text } from '../../src/io/files.ts';
import type { Command } from '../../src/plan/command.ts';

/** What a program printed, and the files that it wrote: path in its folder -> content. */
interface Remembered {
  result: ExecResult;
  written: readonly (readonly [string, Buffer])[];
}

/** What a command reads, and the folder that it writes. */
interface Use {
  reads: readonly string[];
  writes?: string;
}

const after = (args: readonly string[], option: string) =>
  args.flatMap((each, index) => (each === option ? [args[index + 1] ?? ''] : []));
const last = (args: readonly string[]) => args.at(-1) ?? '';

/** Programs whose result depends only on their arguments, their input and what they read. Others are always run. */
const USES: Readonly<Record<string, (args: readonly string[]) => Use>> = {
  gpg: () => ({ reads: [] }),
  gpgv: (args) => ({ reads: args.filter((each) => each.startsWith('/')) }),
  'apt-ftparchive': (args) => ({ reads: [last(args)] }),
  rpm: (args) => ({ reads: [last(args)] }),
  rpmkeys: (args) => ({ reads: [last(args)] }),
  createrepo_c: (args) => ({ reads: [last(args)], writes: join(last(args), 'repodata') }),
  mergerepo_c: (args) => ({
    reads: after(args, '--repo'),
    writes: join(after(args, '--outputdir')[0] ?? '', 'repodata'),
  }),
};

/**
 * Runs each command of a publication once, and repeats its result for the same arguments, input and files: thousands of publications take
 * minutes instead of hours. Dates and signatures are those of the first run.
 */
export function rememberedExec(exec: Exec): Exec {
  const known = new Map<string, Promise<Remembered>>();
  /** What `rpmkeys --checksig` needs: database -> command. */
  const imports = new Map<string, Command>();
  return async (command, options = {}) => {
    const use = USES[command.file]?.(command.args);
    if (use === undefined) return exec(command, options);
    const [database = ''] = after(command.args, '--dbpath');
    if (command.args.includes('--import')) {
      imports.set(database, command);
      return { code: 0, stdout: '', stderr: '' };
    }
    const really = async (): Promise<Remembered> => {
      const trusted = command.args.includes('--checksig') ? imports.get(database) : undefined;
      if (trusted !== undefined) await exec(trusted);
      const result = await exec(command, options);
      return { result, written: use.writes === undefined ? [] : filesIn(use.writes) };
    };
    const key = keyOf(command, options.input, use);
    const found = known.get(key);
    if (found === undefined) {
      known.set(key, really());
      return (await (known.get(key) as Promise<Remembered>)).result;
    }
    const { result, written } = await found;
    for (const [path, bytes] of written) {
      const file = join(use.writes ?? '', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    return result;
  };
}

function keyOf({ file, args }: Command, input: string | Uint8Array = '', { reads }: Use): string {
  // Folders are temporary. Their content counts.
  const words = args.map((each) => (/(?:^|=)\//.test(each) ? '' : each));
  const contents = reads.map((path) => (existsSync(path) ? digestOf(path) : 'missing'));
  const named = reads.map((path) => path.slice(path.lastIndexOf('/')));
  return sha256Text(JSON.stringify([file, words, sha256Bytes(Buffer.from(input)), named, contents]));
}

function digestOf(path: string): string {
  if (statSync(path).isFile()) return sha256Bytes(readFileSync(path));
  return sha256Text(JSON.stringify(filesIn(path).map(([name, bytes]) => [name, sha256Bytes(bytes)])));
}

function filesIn(folder: string): (readonly [string, Buffer])[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => [file.slice(folder.length + 1), readFileSync(file)] as const);
}
