import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { optionsOfElf } from '../../../src/config/elf-options.ts';
import { loadStrength } from '../../../src/config/strength.ts';
import { DEBIAN_418, downloadDebian418 } from '../debian-coturn.ts';
import { fillTrials } from './capacity.ts';
import { compare, type Disagreement, PEERS } from './compare.ts';
import { createLaboratory, type TriedCoturn } from './container.ts';
import { drawTrials } from './generate.ts';
import { explain } from './known.ts';

export interface TrialResult {
  versions: string[];
  configurations: number;
  /** Disagreements without a known reason. */
  disagreements: Disagreement[];
  /** Reasons of the others, with the number of occurrences. */
  known: Map<string, number>;
  /** Filled ranges of relay ports: expected and granted allocations. */
  filled: { version: string; range: string; fill?: string; expected: number; filled: number | undefined }[];
}

/**
 * Tests configurations on the real turnserver and compares the results with lint-config: Debian's 4.6.1 and 4.18.0, and packages for
 * debian-13 in the folder TURNBUILD_TEST_PACKAGES.
 * @param count configurations per version
 */
export async function tryConfigurations(
  dir: string,
  { count, seed }: { count: number; seed: number },
): Promise<TrialResult> {
  const coturns: TriedCoturn[] = [{ version: '4.6.1', suite: 'bookworm' }];
  const reason = await downloadDebian418(dir);
  if (reason === undefined)
    coturns.push({ version: '4.18.0', suite: 'trixie', deb: join(dir, `${DEBIAN_418}.deb`) });
  else console.log(`Debian's coturn 4.18.0-1 is not tested: ${reason}`);
  coturns.push(...packagesAtHand());
  const laboratory = await createLaboratory(dir, coturns);
  try {
    const strength = await loadStrength();
    const contexts = new Map(
      coturns.map(({ version }) => [
        version,
        { version, options: optionsOfElf(laboratory.program(version)) },
      ]),
    );
    const trials = [...contexts.values()].flatMap((context, index) =>
      drawTrials({ ...context, count, seed, firstId: index * count, peers: PEERS }),
    );
    const filling = [...contexts.keys()]
      .flatMap(fillTrials)
      .map((trial, index) => ({ ...trial, id: trials.length + index }));
    const observed = await laboratory.observe([...trials, ...filling]);
    const seen = new Map(observed.map((each) => [each.id, each]));
    const filled = filling.map((trial) => ({ ...trial, filled: seen.get(trial.id)?.filled }));
    const found = trials.flatMap((trial): Disagreement[] => {
      const [observation, context] = [seen.get(trial.id), contexts.get(trial.version)];
      if (observation === undefined || context === undefined)
        throw new Error(`trial ${trial.id} has no result`);
      return compare(trial, observation, context, strength);
    });
    const known = new Map<string, number>();
    const disagreements = found.filter((each) => {
      const why = explain(each);
      if (why !== undefined) known.set(why, (known.get(why) ?? 0) + 1);
      return why === undefined;
    });
    return { versions: [...contexts.keys()], configurations: trials.length, disagreements, known, filled };
  } finally {
    laboratory.remove();
  }
}

function packagesAtHand(): TriedCoturn[] {
  const folder = process.env.TURNBUILD_TEST_PACKAGES;
  if (folder === undefined || !existsSync(folder)) return [];
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  return readdirSync(folder).flatMap((name) => {
    const version = new RegExp(`^coturn_(\\d+\\.\\d+\\.\\d+)\\+turnbuild.*deb13_${arch}\\.deb$`).exec(
      name,
    )?.[1];
    return version === undefined ? [] : [{ version, suite: 'trixie' as const, deb: join(folder, name) }];
  });
}
