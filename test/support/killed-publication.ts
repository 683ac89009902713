import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { dearmored } from '../../src/io/gpgv.ts';
import type { Channel } from '../../src/publish/plan.ts';
import { aptClient } from './apt-client.ts';
import { dnfClient } from './dnf-client.ts';
import { PUBLISH, type Scenario } from './kill-scenarios.ts';
import { contentOf, publicationPlace, serveRepository } from './published.ts';
import { temporaryFolder } from './sandbox.ts';
import { createSigningHome } from './signing-home.ts';

/** Runs at a time. */
const WORKERS = 2;

/** Downloads from channels of a repository with apt and dnf. Fails if either finds anything broken. @returns `apt testing` -> the newest version */
async function read(repo: string, channels: readonly Channel[]): Promise<Record<string, string>> {
  const server = await serveRepository(repo);
  const found: Record<string, string> = {};
  for (const channel of channels) {
    const suite = channel === 'stable' ? 'trixie' : `trixie-${channel}`;
    const apt = aptClient(temporaryFolder(), server.read(`apt/coturn-${suite}.sources`));
    await apt.update();
    const deb = await apt.download('coturn');
    const dnf = dnfClient(temporaryFolder(), server.read(`dnf/coturn-portable-${channel}.repo`));
    const rpm = await dnf.download('coturn');
    found[`apt ${channel}`] = /coturn_(.*)_amd64\.deb$/.exec(deb)?.[1] ?? deb;
    found[`dnf ${channel}`] = /coturn-(.*)\.x86_64\.rpm$/.exec(rpm)?.[1] ?? rpm;
  }
  return found;
}

/** What a repository leads to, who signed it, and which suites expire. */
function stateOf(repo: string): Record<string, string> {
  const content = contentOf(repo);
  const releases = Object.keys(content).filter((path) => path.endsWith('/InRelease'));
  const expiring = releases.filter((path) =>
    readFileSync(join(repo, path), 'utf8').includes('\nValid-Until: '),
  );
  return { ...content, ...signersOf(repo, Object.keys(content)), expiring: expiring.join(' ') };
}

/** The keys or subkeys that made the signatures in a repository, also in plain bases, which no client here reads. Only keys that clients get count. */
function signersOf(repo: string, paths: readonly string[]): Record<string, string> {
  const keyring = join(temporaryFolder(), 'keyring.gpg');
  writeFileSync(keyring, dearmored(readFileSync(join(repo, 'key.asc'))));
  const signed = paths.filter((path) => /\/InRelease$|\/repomd\.xml\.asc$/.test(path));
  expect(signed.length).toBeGreaterThan(0);
  return Object.fromEntries(
    signed.map((path) => {
      const files = path.endsWith('.asc') ? [path, path.replace(/\.asc$/, '')] : [path];
      const args = ['--status-fd', '1', '--keyring', keyring, ...files.map((file) => join(repo, file))];
      const { stdout } = spawnSync('gpgv', args, { encoding: 'utf8' });
      return [`signer of ${path}`, /^\[GNUPG:\] VALIDSIG (\w+)/m.exec(stdout)?.[1] ?? 'nobody'];
    }),
  );
}

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
  { prepare, words: [verb, ...more], channels = ['testing'], points: fewest }: Scenario = PUBLISH,
): Promise<string[]> {
  const keys = createSigningHome();
  try {
    const key = keys.createKey('Packages <packages@example.org>');
    const place = () => publicationPlace('apt,dnf', { home: keys.home, key });
    const preload = fileURLToPath(new URL('./kill-at.mjs', import.meta.url));
    const env = (at: number) => ({ NODE_OPTIONS: `--import ${preload}`, KILL_AT: String(at) });
    const template = place();
    await prepare(template, () =>
      keys.gpg(['--pinentry-mode', 'loopback', '--quick-add-key', key, 'ed25519', 'sign', '1y']),
    );
    const copy = () => {
      const own = place();
      cpSync(template.out, own.out, { recursive: true, preserveTimestamps: true });
      cpSync(template.repo, own.repo, { recursive: true, preserveTimestamps: true });
      return own;
    };
    const undisturbed = copy();
    const { stderr } = await undisturbed.run(verb, more, env(0));
    const count = Number(/synchronised (\d+) times/.exec(stderr)?.[1]);
    expect(count).toBeGreaterThan(fewest);
    const wanted = stateOf(undisturbed.repo);
    const result = await read(undisturbed.repo, channels);
    const seen = new Set<string>();
    const kill = async (at: number) => {
      const own = copy();
      const killed = await own.run(verb, more, env(at));
      expect(killed.code, `killed at ${at}`).not.toBe(0);
      for (const [client, newest] of Object.entries(await read(own.repo, channels)))
        seen.add(`${client.split(' ')[0]} ${newest}`);
      expect(await own.run(verb, more), `finished after ${at}`).toMatchObject({ code: 0 });
      expect(stateOf(own.repo), `the result after ${at}`).toEqual(wanted);
      expect(await read(own.repo, channels), `what clients see after ${at}`).toEqual(result);
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
      `${verb}: killed at ${chosen.length} of ${count} points; clients could read every state, and all runs were finished`,
    );
    return [...seen].sort();
  } finally {
    keys.remove();
  }
}
