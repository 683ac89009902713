import type { HostFacts } from './requirements.ts';

/** A prerequisite that a machine may lack. */
export type Thing =
  | 'engine'
  | 'buildx'
  | 'qemu'
  | 'mmdebstrap'
  | 'gpgv'
  | 'keyring'
  | 'gpg'
  | 'ftparchive'
  | 'rpm'
  | 'createrepo';

/** Families of systems for which turnbuild knows the installation commands; `other` gets general advice. */
type System = 'apt' | 'dnf' | 'macos' | 'other';

/** The alternative to mmdebstrap. */
const REGISTRY =
  'Connect the builder to a container registry: official images then take the place of bootstrapped base images.';

const ADVICE: Readonly<Record<Thing, Readonly<Record<System, string>>>> = {
  engine: {
    apt: 'sudo apt-get install docker.io',
    dnf: 'sudo dnf install moby-engine docker-cli && sudo systemctl start docker',
    macos: 'Install Docker Desktop (brew install --cask docker), and start it: open -a Docker',
    other: 'Install Docker Engine, and start it.',
  },
  buildx: {
    apt: "sudo apt-get install docker-buildx (docker-buildx-plugin from Docker's own archive)",
    dnf: "sudo dnf install docker-buildx (docker-buildx-plugin from Docker's own repository)",
    macos: 'Included in Docker Desktop; otherwise: brew install docker-buildx',
    other: 'Install the buildx plugin of Docker.',
  },
  qemu: {
    apt: 'sudo apt-get install qemu-user-static; or use a buildx builder with a native node.',
    dnf: 'sudo dnf install qemu-user-static; or use a buildx builder with a native node.',
    macos: 'Docker Desktop includes QEMU: start Docker Desktop. Or use a buildx builder with a native node.',
    other: 'Register QEMU with the kernel (binfmt_misc), or use a buildx builder with a native node.',
  },
  mmdebstrap: {
    apt: `sudo apt-get install mmdebstrap arch-test. Or: ${REGISTRY}`,
    dnf: REGISTRY,
    macos: REGISTRY,
    other: REGISTRY,
  },
  gpgv: {
    apt: 'sudo apt-get install gpgv',
    dnf: 'sudo dnf install gnupg2',
    macos: 'brew install gnupg',
    other: 'Install GnuPG.',
  },
  gpg: {
    apt: 'sudo apt-get install gpg gpg-agent',
    dnf: 'sudo dnf install gnupg2',
    macos: 'brew install gnupg',
    other: 'Install GnuPG.',
  },
  ftparchive: {
    apt: 'sudo apt-get install apt-utils',
    dnf: 'Publish apt repositories on Debian or Ubuntu, which have apt-ftparchive (apt-utils).',
    macos: 'Publish apt repositories on Debian or Ubuntu, which have apt-ftparchive (apt-utils).',
    other: 'Install apt-ftparchive.',
  },
  rpm: {
    apt: 'sudo apt-get install rpm',
    dnf: 'sudo dnf install rpm rpm-sign',
    macos: 'brew install rpm',
    other: 'Install rpm with rpmsign and rpmkeys.',
  },
  createrepo: {
    apt: 'sudo apt-get install createrepo-c',
    dnf: 'sudo dnf install createrepo_c',
    macos: 'brew install createrepo_c',
    other: 'Install createrepo_c.',
  },
  keyring: {
    apt: 'sudo apt-get install debian-archive-keyring',
    dnf: 'sudo dnf install debian-keyring',
    macos: 'No macOS package provides these keys. Use sources from GitHub.',
    other: "Install the keys of Debian's archive (debian-archive-keyring).",
  },
};

/** How to install a prerequisite with the system's own commands. Derivatives use those of a distribution in their ID_LIKE. */
export function adviceFor(thing: Thing, { os, root }: Pick<HostFacts, 'os' | 'root'>): string {
  const text = ADVICE[thing][systemOf(os)];
  return root ? text.replaceAll('sudo ', '') : text;
}

function systemOf({ id, like }: HostFacts['os']): System {
  if (id === 'darwin') return 'macos';
  const names = [id, ...like];
  if (names.some((name) => name === 'debian' || name === 'ubuntu')) return 'apt';
  return names.some((name) => name === 'fedora' || name === 'rhel') ? 'dnf' : 'other';
}
