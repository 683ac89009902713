import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { publishWithFaults } from '../support/s3/faulty-publication.ts';
import { s3Place } from '../support/s3/place.ts';
import { publicReader, requirePolicy } from '../support/s3/policy.ts';
import type { S3Simulator, SimulatorOptions } from '../support/s3/simulator.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

const place = (to = 'apt', options: SimulatorOptions = {}) => s3Place(to, { home: keys.home, key }, options);

/** A file of the repository, as clients read it. */
const textIn = ({ objects }: S3Simulator, path: string) => String(objects.get(`coturn/${path}`)?.bytes);

describe('a repository in S3', () => {
  it('is published, promoted, read by apt and dnf, withdrawn, and cleaned up', async () => {
    const { simulator, run, release } = await place('apt,dnf');
    expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
    expect(await run('promote', ['4.18.0'])).toMatchObject({ code: 0, stderr: '' });
    const apt = aptClient(temporaryFolder(), textIn(simulator, 'apt/coturn-trixie.sources'));
    await apt.update();
    expect(await apt.versions('coturn')).toEqual(['4.18.0+turnbuild-1~deb13']);
    const deb = readFileSync(join(release, 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb'));
    expect(readFileSync(await apt.download('coturn'))).toEqual(deb);
    // S3 takes a plus sign for a space, so both clients must escape it.
    const dnf = dnfClient(temporaryFolder(), textIn(simulator, 'dnf/coturn-portable-stable.repo'));
    await dnf.download('coturn');
    const again = await run('publish');
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to change.') });
    expect(await run('withdraw', ['4.18.0', '--reason', 'test'])).toMatchObject({ code: 0, stderr: '' });
    await apt.update();
    expect(await apt.versions('coturn')).toEqual([]);
    expect(simulator.objects.has('coturn/.lock')).toBe(false);
    requirePolicy(simulator.calls);
    // Everything is public, except for the lock.
    const isPublic = publicReader();
    expect([...simulator.objects.keys()].filter((each) => !isPublic(each))).toEqual([]);
    expect(isPublic('coturn/.lock')).toBe(false);

    const keys = () => [...simulator.objects.keys()].filter((each) => !each.includes('/releases/'));
    const before = keys();
    const gc = ['--withdrawn', '--apply'];
    expect(await run('gc', gc)).toMatchObject({ code: 0, stderr: '' });
    // A client may have been led to them until now.
    expect(keys()).toEqual(before);
    for (const object of simulator.objects.values())
      object.modified = new Date(object.modified.getTime() - 31 * 24 * 3_600_000);
    expect(await run('gc', gc)).toMatchObject({ code: 0, stderr: '' });
    expect(before.filter((each) => each.includes('/pool/'))).toHaveLength(4);
    expect(keys().filter((each) => each.includes('/pool/'))).toEqual([]);
    await apt.update();
    requirePolicy(simulator.calls, ['publish-s3.json', 'publish-gc-s3.json']);
    expect(simulator.unknown).toEqual([]);
  });

  it('refuses a second run at a time', async () => {
    const { dir, simulator, run } = await place();
    // The first run waits in the middle, and renews its lock.
    simulator.faults.set({ on: /^PutObject .*\/InRelease$/, kind: 'hang-before' });
    const first = run('publish');
    await vi.waitFor(() => expect(simulator.faults.happened).toHaveLength(1), { timeout: 20_000 });
    const out = join(dir, 'other');
    packagedRelease(out, { version: '4.19.0' });
    const second = await run('publish', ['--out', out]);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /s3:\/\/packages\/coturn is locked by .* [\da-f-]{36}, which began [\s\S]*\[PUBLISH_LOCKED\]/,
      ),
    });
    expect([...simulator.objects.keys()].filter((path) => path.includes('4.19.0'))).toEqual([]);
    // Its own time-out is longer than this test.
    simulator.faults.release();
    expect(await first).toMatchObject({ code: 0 });
  });

  it('on a service that ignores conditions says so', async () => {
    const { run } = await place('apt', { ignoresConditions: true });
    const { code, stdout } = await run('publish');
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('note: s3://packages/coturn ignores conditional requests'),
    });
  });

  it('explains a failure before anything is changed', async () => {
    const { simulator, run } = await place();
    const wrong = { AWS_SECRET_ACCESS_KEY: 'SECRET-THAT-IS-WRONG' };
    const { code, stdout, stderr } = await run('publish', [], wrong);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('[CREDENTIALS_REFUSED]'),
    });
    expect(stdout + stderr).not.toContain('SECRET-THAT-IS-WRONG');
    expect(simulator.objects.size).toBe(0);
  });
});

it('finishes a publication in which requests fail', async () => {
  // A sample. test/full/publish-s3.test.ts tries all.
  await publishWithFaults({ home: keys.home, key }, ({ kind }) =>
    /^(cut-after|conflict|denied pointer)$/.test(kind),
  );
});
