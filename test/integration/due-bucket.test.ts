import { afterAll, beforeAll, expect, it } from 'vitest';
import { dueWith } from '../support/due.ts';
import { gcsPlace } from '../support/gcs/place.ts';
import { s3Place } from '../support/s3/place.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

it('turnbuild due reads a bucket of S3 without a public URL', async () => {
  const { simulator, run } = await s3Place('apt', { home: keys.home, key });
  const due = () => dueWith(['4.18.0'], ['--repo', 's3://packages/coturn'], { env: simulator.env });
  expect(await due()).toMatchObject({ due: true, version: '4.18.0', revision: 1 });
  expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
  expect(await due()).toMatchObject({ due: false, version: '4.18.0', revision: 1 });
  expect(await run('withdraw', ['4.18.0', '--reason', 'Crashes'])).toMatchObject({ code: 0, stderr: '' });
  expect(await due()).toMatchObject({
    due: false,
    reason: expect.stringContaining('was withdrawn: Crashes.'),
  });
  const env = { ...simulator.env, AWS_SECRET_ACCESS_KEY: 'SECRET-THAT-IS-WRONG' };
  expect(await dueWith(['4.18.0'], ['--repo', 's3://packages/coturn'], { env })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('[CREDENTIALS_REFUSED]'),
  });
});

it('turnbuild due reads a bucket of Cloud Storage without a public URL', async () => {
  const { gcs, run } = await gcsPlace('apt', { home: keys.home, key });
  const due = () =>
    dueWith(['4.18.0'], ['--repo', 'gs://packages/coturn'], { env: { STORAGE_EMULATOR_HOST: gcs.url } });
  expect(await due()).toMatchObject({ due: true, version: '4.18.0', revision: 1 });
  expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
  expect(await due()).toMatchObject({ due: false, version: '4.18.0', revision: 1 });
});
