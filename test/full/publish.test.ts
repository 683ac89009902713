import { afterAll, beforeAll, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { BEFORE_AND_AFTER, CLEAN, killPublication } from '../support/killed-publication.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { runSchedules } from '../support/publication-schedules.ts';
import { publicationPlace, serveRepository } from '../support/published.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

it('turnbuild publish finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points)).toEqual(BEFORE_AND_AFTER);
});

const SCHEDULES = 1000;

it(`${SCHEDULES} seeded schedules of failures of the store end in the state of an undisturbed run`, async () => {
  const { schedules, injected, survived, finished, kinds } = await runSchedules(SCHEDULES, 1);
  console.log(
    `${schedules} schedules, ${injected} faults injected: ${survived} runs survived, ${finished} were finished by the next run`,
  );
  console.log(
    Object.entries(kinds)
      .sort()
      .map(([kind, number]) => `${kind}: ${number}`)
      .join(', '),
  );
  expect(survived + finished).toBe(SCHEDULES);
});

it('turnbuild gc finishes a run that was killed at any point, and clients never see a broken repository', async () => {
  expect(await killPublication((points) => points, CLEAN)).toEqual(
    BEFORE_AND_AFTER.filter((seen) => seen.includes('4.19')),
  );
});

const PUBLICATIONS = 100;
const TARGETS = { 'debian-13': 'deb13', portable: 'rpm' };

let keys: SigningHome;
beforeAll(() => {
  keys = createSigningHome();
});
afterAll(() => keys.remove());

it(`clients read a repository all the time while ${PUBLICATIONS} releases are published`, async () => {
  const key = keys.createKey('Packages <packages@example.org>');
  const { out, repo, publish } = publicationPlace('apt,dnf', { home: keys.home, key });
  const next = async (number: number) => {
    packagedRelease(out, { version: `4.18.${number}`, targets: TARGETS });
    expect(await publish([`4.18.${number}`]), `publication ${number}`).toMatchObject({ code: 0, stderr: '' });
  };
  await next(0);
  const server = await serveRepository(repo);
  const apt = aptClient(temporaryFolder(), server.read('apt/coturn-trixie-testing.sources'));
  const dnf = dnfClient(temporaryFolder(), server.read('dnf/coturn-portable-testing.repo'));
  let published = false;
  const reads = { apt: 0, dnf: 0 };
  const loop = async (name: 'apt' | 'dnf', read: () => Promise<unknown>) => {
    while (!published) {
      await read();
      reads[name] += 1;
    }
  };
  const clients = [
    loop('apt', async () => {
      await apt.update();
      await apt.download('coturn');
    }),
    loop('dnf', () => dnf.download('coturn')),
  ];
  const publisher = (async () => {
    try {
      for (let number = 1; number <= PUBLICATIONS; number += 1) await next(number);
    } finally {
      published = true;
    }
  })();
  await Promise.all([publisher, ...clients]);
  await apt.update();
  const newest = `4.18.${PUBLICATIONS}`;
  expect(await apt.download('coturn')).toContain(newest);
  expect(await dnf.versions('coturn')).toContain(`${newest}+turnbuild-1`);
  console.log(
    `${PUBLICATIONS} publications; apt read the repository ${reads.apt} times, dnf ${reads.dnf} times`,
  );
  expect(Math.min(reads.apt, reads.dnf)).toBeGreaterThan(20);
});
