import type { Target } from '../recipe/schema.ts';
import { type Arch, platformOf } from './platforms.ts';

/**
 * The version of a .deb: `4.6.1+turnbuild-1~deb12`.
 *
 * `+turnbuild` sorts above every revision that a distribution gives the same upstream version (4.6.1-2, 4.6.1-3+deb13u1)
 * and below the next upstream version; `~deb12` sorts the Debian 13 build above the Debian 12 one, so that a
 * distribution upgrade replaces the package. The tests compare this with `dpkg --compare-versions`.
 * @param revision package revision, from 1
 * @param label the target's label, e.g. `deb12`
 */
export function debVersion(upstream: string, revision: number, label: string): string {
  return `${upstream}+turnbuild-${revision}~${label}`;
}

/** Version and release of an .rpm. `+turnbuild` has the same effect as in a .deb: above 4.6.1-5.el9, below 4.6.2-1.el9. */
export function rpmVersion(
  upstream: string,
  revision: number,
  label: string | undefined,
): { version: string; release: string } {
  return {
    version: `${upstream}+turnbuild`,
    release: label === undefined ? String(revision) : `${revision}.${label}`,
  };
}

/** The version that the packages of all targets share: `4.6.1+turnbuild-1`. */
export function releaseVersion({ version, revision }: { version: string; revision: number }): string {
  return `${version}+turnbuild-${revision}`;
}

/** The complete version of a target's packages, in the notation of its format. */
export function packageVersionOf(
  { format, label }: Target,
  { version, revision }: { version: string; revision: number },
): string {
  if (format === 'deb') return debVersion(version, revision, label ?? '');
  const rpm = rpmVersion(version, revision, label);
  return `${rpm.version}-${rpm.release}`;
}

/** `coturn_4.6.1+turnbuild-1~deb12_arm64.deb` */
export function debFileName(name: string, version: string, debianArch: string): string {
  return `${name}_${version}_${debianArch}.deb`;
}

/** `coturn-4.6.1+turnbuild-1.src.rpm`; undefined for a format that has no such file. */
export function sourceRpm(format: Target['format'], packageVersion: string): string | undefined {
  return format === 'rpm' ? `coturn-${packageVersion}.src.rpm` : undefined;
}

/** The bill of materials beside a package. */
export function sbomFile(packageFile: string): string {
  return `${packageFile}.cdx.json`;
}

/**
 * The files that the package step makes, the program's own package first and its debug symbols second.
 * @param packageVersion from `packageVersionOf`
 */
export function packageFiles(
  target: Target,
  arch: Arch,
  { version, packageVersion }: { version: string; packageVersion: string },
): string[] {
  const { debian, rpm } = platformOf(arch);
  if (target.format === 'deb') {
    const deb = debFileName('coturn', packageVersion, debian);
    return [deb, debFileName('coturn-dbgsym', packageVersion, debian), sbomFile(deb)];
  }
  const package_ = `coturn-${packageVersion}.${rpm}.rpm`;
  // Statically linked programs need only the C library, so they also run from a tarball.
  const tarball = target.staticLibraries === undefined ? [] : [`coturn-${version}-linux-${arch}.tar.gz`];
  return [
    package_,
    `coturn-debuginfo-${packageVersion}.${rpm}.rpm`,
    ...tarball,
    ...[package_, ...tarball].map(sbomFile),
  ];
}
