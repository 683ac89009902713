import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { baseContext, readTarget } from '../../scripts/bench/images.js';
import {
  checksOf,
  copyRecipes,
  edit,
  fileFolder,
  filesOf,
  manifestOf,
  NATIVE,
  ROOT,
  release,
  run461,
  unpassed,
} from '../support/e2e.ts';

// One architecture and cloud, which prove the pipeline. `npm run check:full` is for the others. The tests depend on each other, in this order.
const dir = fileFolder('image');
const out = join(dir, 'dist');
const ARGS = ['--arch', NATIVE, '--out', out];
const image = (...args: string[]) => run461('image', [...ARGS, '--cloud', 'aws', ...args]);

/** Faults for the end of assemble.sh. */
const PLANT = `
mkdir srv/open var/log/apt
chmod 777 srv/open
printf -- '-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIEFBQUFBQUFB\\n' >srv/key.pem
{ printf '\\000\\001'; cat srv/key.pem; } >srv/archive.bin
printf 'key=AKIA%s\\n' IOSFODNN7EXAMPLE >srv/aws
chown 4711 srv/aws
install -D etc/hosts etc/ssh/ssh_host_ed25519_key
sed -i 's,^root:[^:]*,root:$y$j9T$x,; s,^backup:[^:]*,backup:,' etc/shadow
sed -i '/^backup:/s,[^:]*$,/bin/bash,' etc/passwd
echo 'static-auth-secret=x' >>usr/lib/turn-agent/base.conf
chmod 4755 usr/bin/turn-agent
: >root/.bash_history
`;

describe('turnbuild image', () => {
  it('refuses a package that has not been verified', async () => {
    const run = await image();
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('not packaged and not verified yet');
    expect(run.stderr).toContain('turnbuild release');
  });

  describe('of a verified package', () => {
    beforeAll(async () => {
      // Other files test the package itself.
      const run = await release([...ARGS, '--target', 'debian-13', '--only', 'elf']);
      expect(run.code, run.stderr).toBe(0);
    });

    it('makes a disk that boots, relays at its public address, and passes every check', async () => {
      const run = await image();
      console.log(run.stdout, run.stderr);
      expect(run.code).toBe(0);
      const name = `coturn-4.6.1-1-aws-${NATIVE}`;
      expect(filesOf(out, /^coturn-4/)).toEqual([
        `${name}.cdx.json`,
        `${name}.packages.txt`,
        `${name}.raw.zst`,
      ]);
      expect(readFileSync(join(out, '4.6.1', `${name}.packages.txt`), 'utf8')).toMatch(
        /^coturn 4\.6\.1\+turnbuild-1~deb13 /m,
      );
      expect(readFileSync(join(out, '4.6.1/SHA256SUMS'), 'utf8')).toContain(`${name}.raw.zst`);
      expect(readFileSync(join(out, '4.6.1/SHA256SUMS'), 'utf8')).toContain(`${name}.cdx.json`);
      // Not applicable, because the image has no SSM agent.
      expect(run.stdout).toContain('has no SSM agent');
      const disk = checksOf(manifestOf(out), `image:aws:${NATIVE}`);
      expect(unpassed(disk)).toEqual(['image.administration not-applicable']);
      const checks = checksOf(manifestOf(out), `boot:aws:${NATIVE}`);
      expect(unpassed(checks)).toEqual(['machine.drain not-applicable', 'machine.ssh not-applicable']);
      expect(checks.get('machine.relay')?.figures).toEqual({ sent: 1200, received: 1200 });
    });

    it('finds everything up to date in the second run', async () => {
      const run = await image();
      expect(run.code, run.stderr).toBe(0);
      expect(run.stdout.match(/: (image|boot): up to date/g)).toHaveLength(2);
    });

    it('finds what must not be on a disk, and does not boot it', async () => {
      const recipes = copyRecipes(dir);
      edit(join(recipes, 'docker/machine/assemble.sh'), (text) =>
        text.replace('\n# Every file has', `${PLANT}\n# Every file has`),
      );
      const planted = join(dir, 'planted');
      cpSync(out, planted, { recursive: true });
      const run = await run461('image', [...ARGS, '--cloud', 'aws', '--recipes', recipes, '--out', planted]);
      expect(run.code).toBe(1);
      expect(run.stderr).toContain('VERIFY_FAILED');
      const manifest = manifestOf(planted);
      expect(manifest.steps.map(({ id }) => id)).not.toContain(`boot:aws:${NATIVE}`);
      const checks = checksOf(manifest, `image:aws:${NATIVE}`);
      const messageOf = (id: string) => checks.get(`image.${id}`)?.message;
      expect(messageOf('credentials')).toMatch(
        /private key or access key: srv\/archive\.bin, srv\/aws, srv\/key\.pem$/,
      );
      expect(messageOf('identity')).toBe('SSH host key: etc/ssh/ssh_host_ed25519_key');
      expect(messageOf('passwords')).toBe(
        'account with a password: root (set, /etc/shadow), backup (empty, /etc/shadow)',
      );
      expect(messageOf('accounts')).toBe('account with a login shell: backup (/bin/bash)');
      expect(messageOf('secrets')).toBe('usr-lib-turn-agent-base.conf sets a secret: static-auth-secret');
      expect(messageOf('permissions')).toBe(
        'world-writable: srv/open; owner or group without an account: srv/aws',
      );
      expect(messageOf('setuid')).toBe('unexpected setuid or setgid program: usr/bin/turn-agent (4755)');
      expect(messageOf('leftovers')).toBe(
        'history: root/.bash_history; log: var/log/apt; file in a home folder: root/.bash_history',
      );
    });

    it('says how much larger the disk must be', async () => {
      const recipes = copyRecipes(dir);
      edit(
        join(recipes, 'docker/machine/assemble.sh'),
        (text) => `${text}truncate --size=900M /image/srv/large\n`,
      );
      const run = await image('--recipes', recipes, '--no-boot');
      expect(run.code).toBe(1);
      expect(run.stderr).toMatch(/The image needs at least \d+ MiB more than the 1024 MiB of its disk\n/);
    });

    it('builds without booting if told to, and calls the image unverified', async () => {
      const run = await image('--size', '2', '--no-boot');
      expect(run.code, run.stderr).toBe(0);
      expect(manifestOf(out).steps.map(({ id }) => id)).not.toContain(`boot:aws:${NATIVE}`);
      expect(run.stdout).toContain('1 package, 1 machine image, NOT VERIFIED');
      expect(run.stdout).toMatch(
        /coturn-4\.6\.1-1-aws-\w+\.raw\.zst +\S+ MiB +\d+\/\d+ passed, 1 not run, NOT VERIFIED/,
      );
    });
  });
});

it("turn-agent's own tests pass", () => {
  const base = baseContext(readTarget('debian-13'), NATIVE);
  const args = [
    '--progress=plain',
    '--target=agent-test',
    `--build-context=base=${base}`,
    '--output=type=cacheonly',
  ];
  const folder = join(ROOT, 'recipes/docker');
  execFileSync('docker', ['buildx', 'build', ...args, `--file=${folder}/machine.Dockerfile`, folder], {
    stdio: 'pipe',
  });
});
