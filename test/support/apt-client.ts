import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The machine's own apt with a root of its own, which trusts one key and knows one repository. */
export interface AptClient {
  /** `apt-get update`. Resolves to its output. Any warning or error of a repository is an error. */
  update(): Promise<string>;
  /** The versions of a package that the repository offers, from the newest on. */
  versions(name: string): Promise<string[]>;
  /** Downloads a package, and verifies it. Resolves to its path. */
  download(name: string): Promise<string>;
}

/** @param dir an empty folder @param sources text of a .sources file @param architecture Debian's name */
export function aptClient(dir: string, sources: string, architecture = 'amd64'): AptClient {
  for (const path of [
    'etc/apt/sources.list.d',
    'etc/apt/preferences.d',
    'state/lists/partial',
    'cache/archives/partial',
  ])
    mkdirSync(join(dir, path), { recursive: true });
  writeFileSync(join(dir, 'etc/apt/sources.list.d/coturn.sources'), sources);
  writeFileSync(join(dir, 'status'), '');
  const settings = {
    'Dir::Etc': join(dir, 'etc/apt'),
    'Dir::State': join(dir, 'state'),
    'Dir::State::status': join(dir, 'status'),
    'Dir::Cache': join(dir, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    // The defaults, which a machine may have changed.
    'Acquire::Check-Date': 'true',
    'Acquire::Check-Valid-Until': 'true',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '0',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const call = async (program: string, args: readonly string[]) => {
    const { stdout, stderr } = await run(program, [...options, ...args], {
      cwd: dir,
      env: { ...process.env, LC_ALL: 'C' },
    });
    return `${stdout}${stderr}`;
  };
  return {
    update: () => call('apt-get', ['update']),
    async versions(name) {
      const rows = (await call('apt-cache', ['madison', name])).trim().split('\n');
      return rows.flatMap((row) => row.split('|')[1]?.trim() ?? []);
    },
    async download(name) {
      await call('apt-get', ['download', name]);
      const { stdout } = await run('sh', ['-c', `ls -t ${name}_*.deb | head -n 1`], { cwd: dir });
      return join(dir, stdout.trim());
    },
  };
}
