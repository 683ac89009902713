import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { aptClient } from './apt-client.ts';
import { dnfClient } from './dnf-client.ts';
import { packagedRelease } from './packaged-release.ts';
import { contentOf, publicationPlace, serveRepository } from './published.ts';
import { temporaryFolder } from './sandbox.ts';
import { createSigningHome } from './signing-home.ts';

const OLD = { version: '4.18.0', targets: { 'debian-13': 'deb13', portable: 'rpm' } };
const NEW = { ...OLD, version: '4.19.0' };

/** Runs at a time. */
const WORKERS = 2;

/** Reads a repository with apt and dnf. Fails if either finds anything broken. @returns client -> the newest version that it finds */
async function read(repo: string): Promise<Record<string, string>> {
  const server = await serveRepository(repo);
  const apt = aptClient(temporaryFolder(), server.read('apt/coturn-trixie-testing.sources'));
  await apt.update();
  await apt.download('coturn');
  const dnf = dnfClient(temporaryFolder(), server.read('dnf/coturn-portable-testing.repo'));
  await dnf.download('coturn');
  const newest = (versions: string[]) => versions.sort().at(-1) ?? '';
  return { apt: newest(await apt.versions('coturn')), dnf: newest(await dnf.versions('coturn')) };
}

type Place = ReturnType<typeof publicationPlace>;

/** A run to be killed. */
interface Scenario {
  /** Makes the repository and the release. */
  prepare(place: Place): Promise<void>;
  /** Its command and arguments. */
  words: readonly [string, ...string[]];
  /** The fewest points that it must have. */
  points: number;
}

const PUBLISH: Scenario = {
  async prepare({ out, publish }) {
    packagedRelease(out, OLD);
    expect(await publish()).toMatchObject({ code: 0 });
    packagedRelease(out, NEW);
    // Signs the packages. Other signatures would be other files.
    expect(await publish(['--dry-run'])).toMatchObject({ code: 0 });
  },
  words: ['publish'],
  points: 60,
};

/** Deletes the older release of a repository, with everything that led to it until then. */
export const CLEAN: Scenario = {
  async prepare({ out, publish }) {
    for (const release of [OLD, NEW]) {
      packagedRelease(out, release);
      expect(await publish()).toMatchObject({ code: 0 });
    }
  },
  words: ['gc', '--keep', '1', '--keep-days', '0', '--apply'],
  points: 100,
};

/**
 * Changes a repository of apt and dnf, kills the process at points of the run, reads the repository, and runs the command again. Expects that
 * apt and dnf can always use the repository, and that the result is that of an undisturbed run. A point is each time that a file or the
 * journal has reached the disk.
 * @param choose the points to test, of all from 1 on
 * @param scenario by default, a second release is published
 * @returns what clients saw after a kill, e.g. `apt 4.18.0+turnbuild-1~deb13`
 */
export async function killPublication(
  choose: (points: readonly number[]) => readonly number[],
  { prepare, words: [verb, ...more], points: fewest }: Scenario = PUBLISH,
): Promise<string[]> {
  const keys = createSigningHome();
  try {
    const key = keys.createKey('Packages <packages@example.org>');
    const place = () => publicationPlace('apt,dnf', { home: keys.home, key });
    const preload = fileURLToPath(new URL('./kill-at.mjs', import.meta.url));
    const env = (at: number) => ({ NODE_OPTIONS: `--import ${preload}`, KILL_AT: String(at) });
    const template = place();
    await prepare(template);
    const copy = () => {
      const own = place();
      cpSync(template.out, own.out, { recursive: true });
      cpSync(template.repo, own.repo, { recursive: true });
      return own;
    };
    const undisturbed = copy();
    const { stderr } = await undisturbed.run(verb, more, env(0));
    const count = Number(/synchronised (\d+) times/.exec(stderr)?.[1]);
    expect(count).toBeGreaterThan(fewest);
    const wanted = contentOf(undisturbed.repo);
    const result = await read(undisturbed.repo);
    const seen = new Set<string>();
    const kill = async (at: number) => {
      const own = copy();
      const killed = await own.run(verb, more, env(at));
      expect(killed.code, `killed at ${at}`).not.toBe(0);
      for (const [client, newest] of Object.entries(await read(own.repo))) seen.add(`${client} ${newest}`);
      expect(await own.run(verb, more), `finished after ${at}`).toMatchObject({ code: 0 });
      expect(contentOf(own.repo), `the result after ${at}`).toEqual(wanted);
      expect(await read(own.repo), `what clients see after ${at}`).toEqual(result);
      for (const dir of [own.out, own.repo]) rmSync(dir, { recursive: true });
    };
    const chosen = choose(Array.from({ length: count }, (_, index) => index + 1));
    expect(chosen.length).toBeGreaterThan(0);
    const points = [...chosen];
    const worker = async () => {
      for (let at = points.shift(); at !== undefined; at = points.shift()) await kill(at);
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
    console.log(
      `killed at ${chosen.length} of ${count} points; clients could read every state, and all runs were finished`,
    );
    return [...seen].sort();
  } finally {
    keys.remove();
  }
}

/** The versions that clients see before and after a publication. */
export const BEFORE_AND_AFTER = [
  'apt 4.18.0+turnbuild-1~deb13',
  'apt 4.19.0+turnbuild-1~deb13',
  'dnf 4.18.0+turnbuild-1',
  'dnf 4.19.0+turnbuild-1',
];
