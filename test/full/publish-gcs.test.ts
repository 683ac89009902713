import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { publishWithFaults } from '../support/gcs/faulty-publication.ts';
import { gcsPlace } from '../support/gcs/place.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

it('apt and dnf install from a bucket of Google Cloud Storage', async () => {
  const { gcs, run, release } = await gcsPlace('apt,dnf', { home: keys.home, key });
  const textIn = (path: string) => String(gcs.objects.get(`coturn/${path}`)?.bytes);
  expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
  expect(await run('promote', ['4.18.0'])).toMatchObject({ code: 0, stderr: '' });
  const apt = aptClient(temporaryFolder(), textIn('apt/coturn-trixie.sources'));
  await apt.update();
  const deb = readFileSync(join(release, 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb'));
  expect(readFileSync(await apt.download('coturn'))).toEqual(deb);
  // dnf does not escape the plus sign, and the package has no second name, as in S3.
  const dnf = dnfClient(temporaryFolder(), textIn('dnf/coturn-portable-stable.repo'));
  await dnf.download('coturn');
  expect([...gcs.objects.keys()].filter((name) => name.includes(' '))).toEqual([]);
  const again = await run('publish');
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to change.') });
});

it('every command has the same result although requests fail', async () => {
  const faults = await publishWithFaults({ home: keys.home, key }, SEEDS);
  console.log(`${faults} faults in ${SEEDS.length * 3} runs: all survived`);
  expect(faults).toBeGreaterThan(SEEDS.length * 3);
});
