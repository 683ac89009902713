import { readAptAddress, readAptMirrors } from '../io/apt-mirror.ts';
import { isReachable, type Mirrors } from '../plan/archives.ts';
import { ARCHITECTURES, type Arch } from '../plan/platforms.ts';
import type { Plan, PlannedBase } from '../plan/types.ts';
import { withImageFacts } from './image-facts.ts';
import type { Session } from './session.ts';

type OfficialImage = PlannedBase & { image: string };

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

const isOfficial = (base: PlannedBase): base is OfficialImage =>
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
    if (archive === undefined) return { ...known, ...(await readAptMirrors({ root })) };
    const address = await readAptAddress(suite, { root });
    return address === undefined
      ? known
      : { ...known, named: { ...known.named, [`${archive.name}/${arch}`]: address } };
  });
}
