import { nearestName, usageError } from '../errors.ts';

export const ARCHITECTURES = ['arm64', 'x86_64'] as const;
export type Arch = (typeof ARCHITECTURES)[number];

/** One architecture's names in each naming scheme that turnbuild uses. */
export interface Platform {
  arch: Arch;
  /** Debian architecture, e.g. in a .deb's file name. */
  debian: string;
  /** RPM architecture. */
  rpm: string;
  /** Platform of an OCI image, as in `linux/amd64`. */
  oci: string;
  /** GNU triple of Debian's cross compilers, e.g. `aarch64-linux-gnu-gcc`. */
  gnuTriple: string;
  /** `e_machine` as readelf prints it. */
  elfMachine: string;
  /** Name of a boot loader that firmware starts from removable media (UEFI specification, 3.5.1.1). */
  efiLoader: string;
  /** Name in systemd's tools, e.g. systemd-repart. */
  systemd: string;
  /** Kernel parameters for the serial console. Arm firmware announces it (ACPI SPCR). */
  console: string;
  /** Environment variables for running its programs under QEMU. They have no effect on native hardware. */
  emulation: Readonly<Record<string, string>>;
}

const PLATFORMS: Record<Arch, Platform> = {
  arm64: {
    arch: 'arm64',
    debian: 'arm64',
    rpm: 'aarch64',
    oci: 'arm64',
    gnuTriple: 'aarch64-linux-gnu',
    elfMachine: 'AArch64',
    efiLoader: 'BOOTAA64.EFI',
    systemd: 'arm64',
    console: '',
    // Debian 13's programs sign and check every return address. Before 10.0, QEMU computes the signatures with a cipher (QARMA) by default,
    // which takes most of their time. This selects a cheap algorithm; a wrong signature still crashes the program. Since QEMU 6.0.
    emulation: { QEMU_CPU: 'max,pauth-impdef=on' },
  },
  x86_64: {
    arch: 'x86_64',
    debian: 'amd64',
    rpm: 'x86_64',
    oci: 'amd64',
    gnuTriple: 'x86_64-linux-gnu',
    elfMachine: 'Advanced Micro Devices X86-64',
    efiLoader: 'BOOTX64.EFI',
    systemd: 'x86-64',
    console: 'console=ttyS0,115200',
    emulation: {},
  },
};

const ALIASES: Record<string, Arch> = {
  aarch64: 'arm64',
  amd64: 'x86_64',
  x64: 'x86_64',
  'x86-64': 'x86_64',
};

export function platformOf(arch: Arch): Platform {
  return PLATFORMS[arch];
}

/** Parses an architecture; also accepts `aarch64` and `amd64`. */
export function parseArch(word: string): Arch {
  const known = ARCHITECTURES.find((arch) => arch === word) ?? ALIASES[word];
  if (known !== undefined) return known;
  const near = nearestName(word, [...ARCHITECTURES, ...Object.keys(ALIASES)]);
  throw usageError(
    'ARCH_UNKNOWN',
    `Unsupported architecture "${word}"${near === undefined ? '' : `; did you mean ${near}?`}`,
    'Supported: arm64 (aarch64) and x86_64 (amd64).',
  );
}

/** The architecture of a build machine from an OCI platform such as `linux/amd64/v2`; undefined for others. */
export function archOfOciPlatform(platform: string): Arch | undefined {
  const [os, name] = platform.split('/');
  return os === 'linux' ? ARCHITECTURES.find((arch) => PLATFORMS[arch].oci === name) : undefined;
}
