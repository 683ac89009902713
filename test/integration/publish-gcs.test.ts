import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { aptClient } from '../support/apt-client.ts';
import { schedule } from '../support/gcs/faulty-publication.ts';
import { gcsPlace } from '../support/gcs/place.ts';
import { packagedRelease } from '../support/packaged-release.ts';
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

it('refreshes and cleans a repository in Google Cloud Storage', async () => {
  const { gcs, run, out } = await gcsPlace('apt', { home: keys.home, key }, { pageSize: 5 });
  expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
  packagedRelease(out, { version: '4.19.0' });
  expect(await run('publish', ['4.19.0'])).toMatchObject({ code: 0, stderr: '' });
  expect(await run('refresh', ['--valid-for', '30'])).toMatchObject({ code: 0, stderr: '' });
  const release = () => String(gcs.objects.get('coturn/apt/dists/trixie-testing/InRelease')?.bytes);
  expect(release()).toMatch(/^Valid-Until: /m);

  const packages = () =>
    [...gcs.objects.keys()].flatMap((name) => /coturn_(4\.\d+\.\d+)\+.*\.deb$/.exec(name)?.[1] ?? []).sort();
  const gc = ['--keep', '1', '--valid-for', '30'];
  const dry = await run('gc', gc);
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing was changed.') });
  expect(packages()).toEqual(['4.18.0', '4.19.0']);
  // Old files stay until clients that were led to them have stopped using them.
  expect(await run('gc', [...gc, '--apply'])).toMatchObject({ code: 0, stderr: '' });
  expect(packages()).toEqual(['4.18.0', '4.19.0']);
  for (const object of gcs.objects.values()) object.updated = new Date(Date.now() - 31 * 24 * 3_600_000);
  expect(await run('gc', [...gc, '--apply'])).toMatchObject({ code: 0, stderr: '' });
  expect(packages()).toEqual(['4.19.0']);
  const apt = aptClient(
    temporaryFolder(),
    String(gcs.objects.get('coturn/apt/coturn-trixie-testing.sources')?.bytes),
  );
  await apt.update();
  expect(await apt.versions('coturn')).toEqual(['4.19.0+turnbuild-1~deb13']);
  await apt.download('coturn');
  expect(gcs.objects.has('coturn/.lock')).toBe(false);
  const needed = new Set(gcs.calls.flatMap(({ permissions }) => permissions));
  const role = parse(readFileSync('docs/policies/publish-gcs.yaml', 'utf8')) as {
    includedPermissions: string[];
  };
  expect([...needed].sort()).toEqual(role.includedPermissions.sort());
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
