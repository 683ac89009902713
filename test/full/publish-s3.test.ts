import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aptClient } from '../support/apt-client.ts';
import { type DebianRoot, debianRoot, rootObstacle } from '../support/debian-root.ts';
import { dnfClient } from '../support/dnf-client.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { publicationPlace } from '../support/published.ts';
import { publishWithFaults } from '../support/s3/faulty-publication.ts';
import { s3Place } from '../support/s3/place.ts';
import { type Radosgw, startRadosgw } from '../support/s3/radosgw.ts';
import { temporaryFolder } from '../support/sandbox.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';

const obstacle = rootObstacle();
if (obstacle !== undefined) console.log(`publish-s3.test.ts skips the tests with radosgw: ${obstacle}`);

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

describe.skipIf(obstacle !== undefined)('a repository in a bucket of radosgw', () => {
  let root: DebianRoot;
  let server: Radosgw;
  beforeAll(async () => {
    root = await debianRoot('trixie');
    server = await startRadosgw(root);
  });
  afterAll(() => {
    server?.stop();
    root?.remove();
  });

  it('is published, and apt and dnf install from its public URL', async () => {
    const { out, run: inFolder } = publicationPlace('apt,dnf', { home: keys.home, key });
    const url = `${server.url}/packages/coturn`;
    const run = (verb: string, more: readonly string[] = []) =>
      inFolder(verb, ['--repo', 's3://packages/coturn', '--url', url, ...more], server.env);
    const targets = { 'debian-13': 'deb13', portable: 'rpm' };
    const dir = packagedRelease(out, { targets, installable: true });
    const { code, stdout, stderr } = await run('publish');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('note: s3://packages/coturn ignores conditional requests');
    expect(await run('promote', ['4.18.0'])).toMatchObject({ code: 0, stderr: '' });

    const get = async (path: string) => {
      const response = await fetch(`${url}/${path}`);
      return {
        status: response.status,
        headers: response.headers,
        bytes: Buffer.from(await response.arrayBuffer()),
      };
    };
    const pool = 'apt/pool/main/c/coturn';
    const deb = readFileSync(join(dir, 'coturn_4.18.0+turnbuild-1~deb13_amd64.deb'));
    for (const name of [
      'coturn_4.18.0+turnbuild-1~deb13_amd64.deb',
      'coturn_4.18.0%2Bturnbuild-1%7Edeb13_amd64.deb',
    ]) {
      const { status, headers, bytes } = await get(`${pool}/${name}`);
      expect({ name, status, isSame: bytes.equals(deb) }).toEqual({ name, status: 200, isSame: true });
      expect(headers.get('cache-control')).toContain('immutable');
    }
    expect((await get('apt/dists/trixie/InRelease')).headers.get('cache-control')).toBe('no-cache');
    // Without the permission to list, a missing object is forbidden.
    expect((await get('.lock')).status).toBe(403);

    // apt of Debian 12, if this machine has it, and of Debian 13, which installs.
    const sources = String((await get('apt/coturn-trixie.sources')).bytes);
    const apt = aptClient(temporaryFolder(), sources);
    await apt.update();
    expect(await apt.versions('coturn')).toEqual(['4.18.0+turnbuild-1~deb13']);
    root.file('etc/apt/sources.list.d/coturn.sources', sources);
    const installed = await root.run([
      ...[
        'sh',
        '-ec',
        'apt-get update -qq; apt-get install -y coturn=4.18.0+turnbuild-1~deb13; dpkg-query -W coturn',
      ],
    ]);
    expect(installed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('coturn\t4.18.0+turnbuild-1~deb13\n'),
    });
    const dnf = dnfClient(temporaryFolder(), String((await get('dnf/coturn-portable-stable.repo')).bytes));
    expect(await dnf.versions('coturn')).toEqual(['4.18.0+turnbuild-1']);
    await dnf.download('coturn');

    // An upgrade, and its end.
    packagedRelease(out, { version: '4.19.0', targets });
    expect(await run('publish')).toMatchObject({ code: 0, stderr: '' });
    expect(await run('promote', ['4.19.0'])).toMatchObject({ code: 0, stderr: '' });
    await apt.update();
    expect(await apt.versions('coturn')).toEqual(['4.19.0+turnbuild-1~deb13', '4.18.0+turnbuild-1~deb13']);
    expect(await run('withdraw', ['4.19.0', '--reason', 'test'])).toMatchObject({ code: 0, stderr: '' });
    await apt.update();
    expect(await apt.versions('coturn')).toEqual(['4.18.0+turnbuild-1~deb13']);
    expect(await run('publish', ['4.18.0'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to change.'),
    });
  });
});

it('every fault of S3 is survived, or is one clear error, and running again finishes', async () => {
  await publishWithFaults({ home: keys.home, key }, () => true);
});

it('a run that was killed is finished by the next one, which waits until its lock expires', async () => {
  const { simulator, run } = await s3Place('apt', { home: keys.home, key });
  simulator.faults.set({ on: /^PutObject .*\/InRelease$/, kind: 'hang-before' });
  let killed = false;
  const first = run('publish', [], {}, (child) => {
    const timer = setInterval(() => {
      if (simulator.faults.happened.length === 0) return;
      clearInterval(timer);
      killed = child.kill('SIGKILL');
    }, 50);
  });
  await first;
  expect(killed).toBe(true);
  expect(simulator.objects.has('coturn/.lock')).toBe(true);
  const { code, stdout, stderr } = await run('publish');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/note: s3:\/\/packages\/coturn is locked by .* [\da-f-]{36}, /);
  expect(stdout).toContain('was interrupted; this one finishes it.');
  expect(simulator.objects.has('coturn/.lock')).toBe(false);
  expect(simulator.objects.has('coturn/apt/dists/trixie-testing/InRelease')).toBe(true);
});
