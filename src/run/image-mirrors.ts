import { readAptAddress, readAptMirrors } from '../io/apt-mirror.ts';
import { runProcess } from '../io/exec.ts';
import { isReachable, type Mirrors } from '../plan/archives.ts';
import { imageFactsCommand } from '../plan/official-image.ts';
import { ARCHITECTURES, type Arch } from '../plan/platforms.ts';
import type { Plan, PlannedBase } from '../plan/types.ts';
import { imageFolder } from './bases.ts';
import type { Session } from './session.ts';

type OfficialImage = PlannedBase & { image: string };

/**
 * Completes a session's mirrors: an official image knows where its distribution's packages are, which counts where neither --mirror nor this
 * machine's apt names an archive. An image that can't be pulled changes nothing; what needs it reports that.
 */
export async function withImageMirrors(session: Session, { bases }: Pick<Plan, 'bases'>): Promise<Session> {
  let { mirrors } = session;
  for (const base of bases) {
    if (!isOfficial(base)) continue;
    // Packages are installed for the architecture that is compiled for, too.
    for (const arch of ARCHITECTURES)
      if (!isReachable(base, arch, mirrors)) mirrors = await mirrorsOf(session, base, arch, mirrors);
  }
  return { ...session, mirrors };
}

const isOfficial = (base: PlannedBase): base is OfficialImage =>
  base.image !== undefined && base.asIs !== true;

async function mirrorsOf(
  { io, cache, recipes, options }: Session,
  { image, suite, archive }: OfficialImage,
  arch: Arch,
  known: Mirrors,
): Promise<Mirrors> {
  const work = io.leftovers.temporaryName(`${cache}/image-${io.files.sha256Text(image).slice(0, 12)}`);
  try {
    const command = imageFactsCommand(image, arch, work, {
      folder: imageFolder(recipes),
      builder: options.builder,
    });
    const { code } = await runProcess(command, { signal: io.signal });
    if (code !== 0) return known;
    const root = `${work}/apt`;
    if (archive === undefined) return { ...known, ...(await readAptMirrors({ root })) };
    const address = await readAptAddress(suite, { root });
    return address === undefined
      ? known
      : { ...known, named: { ...known.named, [`${archive.name}/${arch}`]: address } };
  } finally {
    await io.files.remove(work);
  }
}
