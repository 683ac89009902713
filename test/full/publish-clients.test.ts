import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_SUITES, type ClientRoot, type ClientSuite, clientRoot } from '../support/client-root.ts';
import { chrootObstacle } from '../support/debian-root.ts';
import { type InstallingClient, installingApt, installingDnf } from '../support/installing-clients.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { publicationPlace, serveRepository } from '../support/published.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

const obstacle = chrootObstacle();
if (obstacle !== undefined) console.log(`publish-clients.test.ts skips all tests: ${obstacle}`);

const PUBLICATIONS = 100;
const TARGETS = { 'debian-12': 'deb12', 'debian-13': 'deb13', portable: 'rpm' };
const CODES: Readonly<Record<ClientSuite, string>> = { bookworm: 'deb12', trixie: 'deb13' };

let keys: SigningHome;
let key: string;
const roots = {} as Record<ClientSuite, ClientRoot>;
beforeAll(async () => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
  if (obstacle === undefined) for (const suite of CLIENT_SUITES) roots[suite] = await clientRoot(suite);
});
afterAll(() => {
  keys.remove();
  for (const root of Object.values(roots)) root.remove();
});

/** An apt and dnf repository on a web server. `release` publishes a version to `testing`. */
async function servedRepository() {
  const place = publicationPlace('apt,dnf', { home: keys.home, key });
  const release = async (version: string) => {
    packagedRelease(place.out, { version, targets: TARGETS, installable: true });
    expect(await place.publish([version]), version).toMatchObject({ code: 0, stderr: '' });
  };
  await release('4.18.0');
  const server = await serveRepository(place.repo);
  return { ...place, release, server };
}

/** A .repo file with the plain base URLs instead of the mirror lists. */
const withBaseUrl = (repo: string) => repo.replaceAll(/^mirrorlist=(.*)\/mirrorlist$/gm, 'baseurl=$1');

/** A client that installs and upgrades until `isOver`. Each tenth time, it removes the package first. @returns what happened */
async function loop(client: InstallingClient, isOver: () => boolean) {
  const seen = { installs: 0, upgrades: 0, newest: '', broken: [] as string[] };
  for (let turn = 0; !isOver(); turn += 1)
    try {
      if (turn > 0 && turn % 10 === 0) await client.remove('coturn');
      const isInstall = turn % 10 === 0;
      const version = await (isInstall ? client.install('coturn') : client.upgrade('coturn'));
      if (isInstall) seen.installs += 1;
      else if (version !== seen.newest) seen.upgrades += 1;
      if (numberIn(version) < numberIn(seen.newest)) seen.broken.push(`${seen.newest} became ${version}`);
      seen.newest = version;
      // Leaves the machine to the publications now and then.
      await setTimeout(250 * (turn % 4));
    } catch (error) {
      seen.broken.push(String(error));
    }
  return seen;
}

/** The last number of an upstream version; 0 if there is none. */
const numberIn = (version: string) => Number(/^4\.18\.(\d+)/.exec(version)?.[1] ?? 0);

const DAY_S = 24 * 60 * 60;
/** Days that a publication counts as. gc keeps files for 60 days, which is long enough for any client that has read old metadata. */
const DAYS = 2;

/**
 * Makes files older, so that each publication since they were stored counts as two days.
 * @param publication the number of the last one
 * @param aged file -> the publication that stored it, and the modification time that was set before, in seconds
 */
function age(repo: string, publication: number, aged: Map<string, { stored: number; set: number }>): void {
  const now = Math.floor(Date.now() / 1000);
  for (const entry of readdirSync(repo, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    const { mtimeMs } = statSync(file);
    const before = aged.get(file);
    const stored = before?.set === Math.floor(mtimeMs / 1000) ? before.stored : publication;
    const set = now - (publication - stored) * DAYS * DAY_S;
    utimesSync(file, set, set);
    aged.set(file, { stored, set });
  }
}

/** Changes one byte in the middle of a file. @returns undoes it */
function damage(file: string): () => void {
  const bytes = readFileSync(file);
  const changed = Buffer.from(bytes);
  const at = Math.floor(bytes.length / 2);
  changed[at] = (changed[at] ?? 0) ^ 1;
  writeFileSync(file, changed);
  return () => writeFileSync(file, bytes);
}

describe.skipIf(obstacle !== undefined)('the clients of Debian', () => {
  it.each(CLIENT_SUITES)(
    '%s: apt and dnf install and upgrade, and refuse what was changed',
    async (suite) => {
      const root = roots[suite];
      const { repo, release, server } = await servedRepository();
      const apt = installingApt(root, server.read(`apt/coturn-${suite}-testing.sources`));
      const file = server.read('dnf/coturn-portable-testing.repo');
      expect(file).toMatch(/^gpgcheck=1\nrepo_gpgcheck=1$/m);
      expect(withBaseUrl(file)).not.toContain('mirrorlist');
      const listed = installingDnf(root, file, 'dnf-mirrorlist');
      const plain = installingDnf(root, withBaseUrl(file), 'dnf-baseurl');
      const deb = (version: string) => `${version}+turnbuild-1~${CODES[suite]}`;
      const rpm = (version: string) => `${version}+turnbuild-1`;

      expect(await apt.install('coturn')).toBe(deb('4.18.0'));
      expect(await listed.install('coturn')).toBe(rpm('4.18.0'));
      expect(await plain.install('coturn')).toBe(rpm('4.18.0'));
      await release('4.19.0');
      expect(await apt.upgrade('coturn')).toBe(deb('4.19.0'));
      expect(await listed.upgrade('coturn')).toBe(rpm('4.19.0'));
      expect(await plain.upgrade('coturn')).toBe(rpm('4.19.0'));
      const base = '/dnf/testing/portable/x86_64';
      for (const path of ['/mirrorlist', '/repodata/repomd.xml', '/repodata/repomd.xml.asc'])
        expect(server.requests).toContain(`GET ${base}${path}`);
      expect(server.requests).toContain('GET /key.asc');

      // Each file that a client trusts is verified.
      await release('4.20.0');
      const state = new URL(readFileSync(join(repo, base, 'mirrorlist'), 'utf8').trim()).pathname;
      const pool = 'apt/pool/main/c/coturn';
      for (const [client, path, reason] of [
        [apt, `apt/dists/${suite}-testing/InRelease`, /GPG error|signature|verif/i],
        [apt, `${pool}/coturn_${deb('4.20.0')}_amd64.deb`, /Hash Sum mismatch/],
        [listed, `${state}/repodata/repomd.xml`, /GPG|signature/i],
        [plain, `${base}/repodata/repomd.xml`, /GPG|signature/i],
        [plain, 'dnf/pool/coturn-4.20.0+turnbuild-1.x86_64.rpm', /without success/],
      ] as const) {
        const restore = damage(join(repo, path));
        await expect(client.upgrade('coturn'), path).rejects.toThrow(reason);
        restore();
      }
      expect(await apt.upgrade('coturn')).toBe(deb('4.20.0'));
      for (const dnf of [listed, plain]) expect(await dnf.upgrade('coturn')).toBe(rpm('4.20.0'));
    },
  );

  it(`install and upgrade all the time while ${PUBLICATIONS} releases are published, promoted and deleted`, async () => {
    const { repo, release, run, server } = await servedRepository();
    const change = async (verb: string, more: readonly string[]) =>
      expect(await run(verb, more), `${verb} ${more.join(' ')}`).toMatchObject({ code: 0, stderr: '' });
    await change('promote', ['4.18.0']);
    const clients = CLIENT_SUITES.flatMap((suite) => {
      const channel = suite === 'trixie' ? 'testing' : 'stable';
      const apt = suite === 'trixie' ? `${suite}-testing` : suite;
      return [
        [`apt of ${suite}`, installingApt(roots[suite], server.read(`apt/coturn-${apt}.sources`))],
        [
          `dnf of ${suite}`,
          installingDnf(roots[suite], server.read(`dnf/coturn-portable-${channel}.repo`), 'dnf-loop'),
        ],
      ] as const;
    });
    for (const [, client] of clients) await client.remove('coturn').catch(() => {});
    let isOver = false;
    const aged = new Map<string, { stored: number; set: number }>();
    const publisher = (async () => {
      try {
        for (let number = 1; number <= PUBLICATIONS; number += 1) {
          await release(`4.18.${number}`);
          age(repo, number, aged);
          if (number % 5 === 0) await change('promote', [`4.18.${number}`]);
          if (number % 10 !== 0) continue;
          await change('gc', ['--keep', '3', '--keep-days', '60', '--apply']);
        }
      } finally {
        isOver = true;
      }
    })();
    const [, ...seen] = await Promise.all([
      publisher,
      ...clients.map(async ([name, client]) => ({ name, ...(await loop(client, () => isOver)) })),
    ]);
    for (const { name, installs, upgrades, broken } of seen)
      console.log(`${name}: ${installs} installs, ${upgrades} upgrades, ${broken.length} broken`);
    expect(seen.flatMap(({ name, broken }) => broken.map((each) => `${name}: ${each}`))).toEqual([]);
    for (const { name, installs, upgrades } of seen) {
      expect(installs, name).toBeGreaterThanOrEqual(2);
      expect(upgrades, name).toBeGreaterThanOrEqual(10);
    }
    for (const [name, client] of clients)
      expect(await client.upgrade('coturn'), name).toContain(`4.18.${PUBLICATIONS}+turnbuild-1`);
    // gc has deleted the first releases.
    const pool = readdirSync(join(repo, 'apt/pool/main/c/coturn'));
    expect(pool.filter((name) => name.startsWith('coturn_4.18.1+'))).toEqual([]);
    expect(pool).toContain(`coturn_4.18.${PUBLICATIONS}+turnbuild-1~deb13_amd64.deb`);
  });
});
