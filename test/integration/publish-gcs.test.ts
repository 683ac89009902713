import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { schedule } from '../support/gcs/faulty-publication.ts';
import { gcsPlace } from '../support/gcs/place.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

// test/full/publish-gcs.test.ts tries more faults, and dnf.
it('publishes to Google Cloud Storage, promotes for apt, and withdraws, although requests fail', async () => {
  const { gcs, run, release } = await gcsPlace(
    'apt',
    { home: keys.home, key },
    { pageSize: 2, fault: schedule(1) },
  );
  expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
  expect(await run('promote', ['4.18.0'])).toMatchObject({ code: 0, stderr: '' });
  const apt = aptClient(
    temporaryFolder(),
    String(gcs.objects.get('coturn/apt/coturn-trixie.sources')?.bytes),
  );
  await apt.update();
  expect(await apt.versions('coturn')).toEqual(['4.18.0+turnbuild-1~deb13']);
  const deb = readFileSync(join(release, 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb'));
  expect(readFileSync(await apt.download('coturn'))).toEqual(deb);
  expect(gcs.objects.get('coturn/apt/dists/trixie/InRelease')?.resource.cacheControl).toBe('no-cache');
  expect(await run('withdraw', ['4.18.0', '--reason', 'test'])).toMatchObject({ code: 0, stderr: '' });
  await apt.update();
  expect(await apt.versions('coturn')).toEqual([]);
  expect(gcs.objects.has('coturn/.lock')).toBe(false);
  expect(gcs.calls.flatMap(({ fault }) => fault ?? []).length).toBeGreaterThan(5);
});

it('explains a missing permission before anything is changed', async () => {
  const permissions = ['storage.objects.get', 'storage.objects.list'];
  const { gcs, run } = await gcsPlace('apt', { home: keys.home, key }, { permissions });
  const { code, stderr } = await run('publish');
  expect({ code, lines: stderr.split('\n') }).toEqual({
    code: 1,
    lines: [
      expect.stringMatching(/^turnbuild: Cannot store \.lock in gs:\/\/packages\/coturn: publisher@/),
      expect.stringMatching(/^ {2}Grant storage\.objects\.create on the bucket\./),
      '  [STORE_ACCESS_DENIED]',
      '',
    ],
  });
  expect(gcs.objects.size).toBe(0);
});
