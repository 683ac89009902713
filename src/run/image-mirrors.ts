import { readAptAddress, readAptMirrors } from '../io/apt-mirror.ts';
import type { Manifest } from '../manifest/schema.ts';
import { isReachable, type Mirrors } from '../plan/archives.ts';
import { ARCHITECTURES, type Arch } from '../plan/platforms.ts';
import type { Plan, PlannedBase } from '../plan/types.ts';
import { withImageFacts } from './image-facts.ts';
import type { Session } from './session.ts';

type OfficialImage = Pick<PlannedBase, 'suite' | 'archive'> & { image: string };

/**
 * Completes a session's mirrors with those of official images, for archives that neither --mirror nor this machine's apt names. Ignores an
 * image that cannot be pulled: the build reports it.
 */
export async function withImageMirrors(session: Session, { bases }: Pick<Plan, 'bases'>): Promise<Session> {
  let { mirrors } = session;
  for (const base of bases) {
    if (!isOfficial(base)) continue;
    // Cross-compiling also installs packages of the target architecture.
    for (const arch of ARCHITECTURES)
      if (!isReachable(base, arch, mirrors)) mirrors = await mirrorsOf(session, base, arch, mirrors);
  }
  return { ...session, mirrors };
}

/**
 * Completes a session's mirrors with those of the official images that a release was built from, for releases of Debian. Ignores an image that
 * cannot be pulled.
 * @param suites releases of Debian, e.g. `trixie`
 */
export async function withRecordedMirrors(
  session: Session,
  bases: Manifest['bases'],
  suites: ReadonlySet<string>,
): Promise<Session> {
  let { mirrors } = session;
  for (const { image, suite, arch } of bases) {
    if (mirrors.debian !== undefined && mirrors.security !== undefined) break;
    if (image !== undefined && suites.has(suite))
      mirrors = await mirrorsOf(session, { image, suite }, arch, mirrors);
  }
  return { ...session, mirrors };
}

const isOfficial = (base: PlannedBase): base is PlannedBase & { image: string } =>
  base.image !== undefined && base.asIs !== true;

async function mirrorsOf(
  session: Session,
  { image, suite, archive }: OfficialImage,
  arch: Arch,
  known: Mirrors,
): Promise<Mirrors> {
  const { signal } = session.io;
  return withImageFacts(session, { image, arch }, { signal }, async ({ code }, folder) => {
    if (code !== 0) return known;
    const root = `${folder}/apt`;
    if (archive === undefined) {
      const { debian, security } = await readAptMirrors({ root });
      return { ...known, debian: known.debian ?? debian, security: known.security ?? security };
    }
    const address = await readAptAddress(suite, { root });
    return address === undefined
      ? known
      : { ...known, named: { ...known.named, [`${archive.name}/${arch}`]: address } };
  });
}
