import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

/** The machine's own dnf with a root of its own, which knows one repository. */
export interface DnfClient {
  /** Reads the repository anew, with its signature, and resolves to the versions that it offers of a package. */
  versions(name: string): Promise<string[]>;
  /** Downloads a package as an installation would, with its signature. Resolves to its path. */
  download(name: string): Promise<string>;
  /** Mirrors the repository with `dnf reposync`. Resolves to the paths of its packages in the mirror. */
  mirror(): Promise<string[]>;
}

/** Its agents of GnuPG end with the test. @param dir an empty folder @param repo text of a .repo file @param architecture rpm's name */
export function dnfClient(dir: string, repo: string, architecture = 'x86_64'): DnfClient {
  for (const path of ['repos', 'root', 'cache', 'vars', 'plugins'])
    mkdirSync(join(dir, path), { recursive: true });
  writeFileSync(join(dir, 'repos/coturn.repo'), repo);
  writeFileSync(join(dir, 'dnf.conf'), '[main]\ngpgcheck=1\n');
  onTestFinished(() => endAgents(dir));
  const settings = {
    reposdir: join(dir, 'repos'),
    cachedir: join(dir, 'cache'),
    varsdir: join(dir, 'vars'),
    retries: '1',
    metadata_expire: '0',
    skip_if_unavailable: '0',
  };
  const options = [
    ...['--config', join(dir, 'dnf.conf'), '--installroot', join(dir, 'root'), '--releasever', '9'],
    ...['--assumeyes', '--quiet', '--forcearch', architecture],
    ...Object.entries(settings).map(([name, value]) => `--setopt=${name}=${value}`),
  ];
  const withoutPlugins = `--setopt=pluginpath=${join(dir, 'plugins')}`;
  const call = async (args: readonly string[], more: readonly string[] = [withoutPlugins]) => {
    const { stdout, stderr } = await run('dnf', [...options, ...more, ...args], {
      cwd: dir,
      env: { ...process.env, LC_ALL: 'C.UTF-8', TMPDIR: dir },
    });
    return { stdout, stderr };
  };
  return {
    async versions(name) {
      const query = ['repoquery', '--refresh', '--queryformat', '%{version}-%{release}', name];
      const { stdout } = await call(query);
      return stdout
        .trim()
        .split('\n')
        .filter((line) => line !== '');
    },
    async download(name) {
      const to = join(dir, 'downloads');
      mkdirSync(to, { recursive: true });
      await call(['install', '--refresh', '--downloadonly', `--downloaddir=${to}`, name]);
      const found = readdirSync(to).filter((file) => file.startsWith(`${name}-`));
      return join(to, found.sort().at(-1) ?? '');
    },
    async mirror() {
      const to = join(dir, 'mirror');
      await call(['reposync', '--refresh', '--download-path', to], []);
      const found = readdirSync(to, { recursive: true }).map(String);
      return found.filter((path) => path.endsWith('.rpm')).sort();
    },
  };
}

/** Ends the agents that dnf's GnuPG has started in a folder: they would stay. dnf has removed some of their homes, so gpgconf cannot. */
function endAgents(dir: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const isAgent = /(?:^|\/)(?:gpg-agent|keyboxd|scdaemon)$/.test(words[0] ?? '');
      if (isAgent && words.some((word) => word.startsWith(`${dir}/`))) process.kill(Number(pid));
    } catch {
      // It has ended in the meantime.
    }
}
