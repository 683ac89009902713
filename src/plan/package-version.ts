/**
 * The version of a .deb: `4.6.1+turnbuild-1~deb12`.
 *
 * `+turnbuild` sorts above every revision that a distribution gives the same upstream version (4.6.1-2, 4.6.1-3+deb13u1)
 * and below the next upstream version; `~deb12` sorts the Debian 13 build above the Debian 12 one, so that a
 * distribution upgrade replaces the package. Held against `dpkg --compare-versions` by the tests.
 * @param revision package revision, from 1
 * @param label the target's label, e.g. `deb12`
 */
export function debVersion(upstream: string, revision: number, label: string): string {
  return `${upstream}+turnbuild-${revision}~${label}`;
}

/** `coturn_4.6.1+turnbuild-1~deb12_arm64.deb` */
export function debFileName(name: string, version: string, debianArch: string): string {
  return `${name}_${version}_${debianArch}.deb`;
}
