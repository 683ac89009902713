import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BROKEN_NETWORKS } from '../support/broken-network.ts';
import { gcsPlace } from '../support/gcs/place.ts';
import { githubPlace } from '../support/github/place.ts';
import { packagedRelease } from '../support/packaged-release.ts';
import { s3Place } from '../support/s3/place.ts';
import { createSigningHome, type SigningHome } from '../support/signing-home.ts';
import { type Run, turnbuild } from '../support/turnbuild.ts';

const FAST = `--import ${fileURLToPath(new URL('../support/fast-waits.mjs', import.meta.url))}`;
/** A message of one line, a hint, and the code. */
const ONE_ERROR = /^turnbuild: [^\n]+\n {2}[^\n]+\n {2}\[[A-Z_]+\]\n$/;
/** Milliseconds that a run may take, also on a busy machine. */
const BOUND = 300_000;

let keys: SigningHome;
let key: string;
beforeAll(() => {
  keys = createSigningHome();
  key = keys.createKey('Packages <packages@example.org>');
});
afterAll(() => keys.remove());

/** A service: how it is reached through a broken network, and what has arrived. */
interface Service {
  dir: string;
  out: string;
  /** `turnbuild publish`, to a folder, too. @param url of the broken network */
  publish(url?: string, env?: Record<string, string>): Promise<Run>;
  size(): number;
}

const SERVICES: Readonly<Record<string, () => Promise<Service>>> = {
  async GitHub() {
    const { github, dir, out, publish } = await githubPlace();
    packagedRelease(out);
    const folder = ['--to', 'apt', '--repo', join(dir, 'repo'), '--sign-with', key];
    return {
      dir,
      out,
      publish: (url, env = {}) =>
        publish(['--to', 'github', ...folder], {
          GNUPGHOME: keys.home,
          ...(url === undefined ? {} : { GITHUB_API_URL: url }),
          ...env,
        }),
      size: () => github.repository.releases.length,
    };
  },
  async S3() {
    const { simulator, dir, out, run } = await s3Place('apt', { home: keys.home, key });
    return {
      dir,
      out,
      publish: (url, env = {}) =>
        run('publish', [], {
          NODE_OPTIONS: FAST,
          ...(url === undefined ? {} : { AWS_ENDPOINT_URL_S3: url }),
          ...env,
        }),
      size: () => simulator.objects.size,
    };
  },
  async 'Google Cloud Storage'() {
    const { gcs, dir, out } = await gcsPlace('apt', { home: keys.home, key });
    return {
      dir,
      out,
      publish: (url, env = {}) =>
        turnbuild(
          ['publish', '--to', 'apt', '--repo', 'gs://packages/coturn', '--sign-with', key, '--out', out],
          {
            cwd: dir,
            env: {
              NODE_OPTIONS: FAST,
              GNUPGHOME: keys.home,
              STORAGE_EMULATOR_HOST: url ?? gcs.url,
              ...env,
            },
          },
        ),
      size: () => gcs.objects.size,
    };
  },
};

describe.each(Object.entries(SERVICES))('%s', (_, open) => {
  it.each(Object.entries(BROKEN_NETWORKS))(
    'is not reached because %s: one error, and nothing changes',
    async (_, broken) => {
      const { dir, out, publish, size } = await open();
      const { url, host, env, says } = await broken();
      const files = () => readdirSync(dir, { recursive: true }).sort();
      const before = files();
      const start = Date.now();
      const { code, stdout, stderr } = await publish(url, env);
      expect(Date.now() - start).toBeLessThan(BOUND);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(ONE_ERROR) });
      expect(stderr).toMatch(says);
      expect(stderr).toContain(host);
      expect(stderr).not.toMatch(/INTERNAL_ERROR|fetch failed|<html/);
      expect(stdout + stderr).not.toContain('pr0xyPassw0rd');
      expect({ files: files(), size: size() }).toEqual({ files: before, size: 0 });
      expect(await publish()).toMatchObject({ code: 0, stderr: '' });
      expect(size()).toBeGreaterThan(0);
      expect(readdirSync(join(out, '4.18.0'))).toContain('publish.jsonl');
    },
  );
});
