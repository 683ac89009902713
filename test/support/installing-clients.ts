import type { ClientRoot } from './client-root.ts';

/** A package manager that installs from one repository. A failure or a warning rejects with its output. */
export interface InstallingClient {
  /** Reads the repository and installs the newest version of a package. @returns what is installed then */
  install(name: string): Promise<string>;
  /** Reads the repository and upgrades everything. @returns what is installed of a package then */
  upgrade(name: string): Promise<string>;
  remove(name: string): Promise<void>;
}

async function succeed(root: ClientRoot, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await root.run(args);
  if (code !== 0 || /^(?:W|E): /m.test(stderr))
    throw new Error(`${args.join(' ')} ended with exit code ${code}:\n${stdout}${stderr}`);
  return stdout;
}

/** apt of a root. @param sources text of a .sources file */
export function installingApt(root: ClientRoot, sources: string): InstallingClient {
  root.file('etc/apt/sources.list.d/coturn.sources', sources);
  const settings = ['APT::Update::Error-Mode=any', 'Acquire::Retries=0', 'Acquire::Languages=none'];
  const options = [...settings.flatMap((each) => ['-o', each]), '-qq', '-y'];
  const apt = (...args: string[]) =>
    succeed(root, ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...options, ...args]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a format of dpkg's
  const installed = (name: string) => succeed(root, ['dpkg-query', '-W', '-f', '${Version}', name]);
  return {
    async install(name) {
      await apt('update');
      await apt('install', name);
      return installed(name);
    },
    async upgrade(name) {
      await apt('update');
      await apt('upgrade');
      return installed(name);
    },
    async remove(name) {
      await apt('purge', name);
    },
  };
}

/** dnf of a root, which installs into a folder, because dpkg manages the rest. @param repo text of a .repo file */
export function installingDnf(root: ClientRoot, repo: string, target = 'dnf'): InstallingClient {
  root.file(`${target}/etc/yum.repos.d/coturn.repo`, repo);
  root.file(`${target}/dnf.conf`, '[main]\ngpgcheck=1\n');
  const settings = {
    reposdir: `/${target}/etc/yum.repos.d`,
    retries: '1',
    metadata_expire: '0',
    skip_if_unavailable: '0',
  };
  const options = [
    ...['--config', `/${target}/dnf.conf`, '--installroot', `/${target}`, '--releasever', '9', '--refresh'],
    ...['--assumeyes', '--quiet', '--forcearch', 'x86_64'],
    ...Object.entries(settings).map(([name, value]) => `--setopt=${name}=${value}`),
  ];
  const dnf = (...args: string[]) => succeed(root, ['dnf', ...options, ...args]);
  const installed = (name: string) =>
    succeed(root, ['rpm', '--root', `/${target}`, '-q', '--qf', '%{VERSION}-%{RELEASE}', name]);
  return {
    async install(name) {
      await dnf('install', name);
      return installed(name);
    },
    async upgrade(name) {
      await dnf('upgrade');
      return installed(name);
    },
    async remove(name) {
      await dnf('remove', name);
    },
  };
}
