import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createSigningKey, type SigningKey } from '../support/debian-mirror.ts';
import { type DebianRoot, debianRoot, rootObstacle } from '../support/debian-root.ts';
import { plantArchive } from '../support/planted-archive.ts';
import { snapshot } from '../support/sandbox.ts';

const ARCH = process.arch === 'arm64' ? 'arm64' : 'amd64';
const obstacle = rootObstacle();
const title = (text: string) => (obstacle === undefined ? text : `${text} (skipped: ${obstacle})`);
/** `npm run check:full` tests every kind of machine, `npm run check` one. */
const full = process.env.TURNBUILD_FULL === '1';
if (obstacle !== undefined) console.log(`doctor-fix.test.ts is skipped: ${obstacle}`);
else if (!full) console.log('doctor-fix.test.ts skips 4 tests that only npm run check:full runs');
const inFull = full ? '' : ' (skipped: runs only in npm run check:full)';
const KEYRING = 'usr/share/keyrings/debian-archive-keyring.gpg';

/** State of the machine that must not change: its package database, /etc, apt's lists and caches. */
function state({ dir }: DebianRoot): string[] {
  const folders = ['etc', 'var/lib/dpkg', 'var/lib/apt', 'var/cache', 'usr/local'];
  return folders.flatMap((folder) => snapshot(join(dir, folder)).map((line) => `${folder}/${line}`));
}

/** The lines of one list that another list lacks. */
const lost = (before: readonly string[], after: readonly string[]) => {
  const kept = new Set(after);
  return before.filter((line) => !kept.has(line));
};

describe.skipIf(obstacle !== undefined)(title('doctor --fix on a bare Debian 12'), () => {
  let root: DebianRoot;
  let key: SigningKey;
  beforeAll(async () => {
    root = await debianRoot('bookworm');
    key = createSigningKey();
  });
  afterAll(() => {
    root?.remove();
    key?.remove();
  });

  it.each([
    // In one case apt finds no solution, because other installed packages need the old one. In the other its solution upgrades packages.
    ['libc6', '2.41-12', /Debian 13 \(trixie\): .*libc6.* 2\.41-12/],
    ['gpgv', '9.0-1', /Debian 13 \(trixie\): would upgrade gpgv 2\.2\S+ -> 9\.0-1$/m],
  ])(
    'changes nothing if Docker from Debian 13 requires a newer %s, and names the packages',
    async (name, version, reason) => {
      const old = { version: '1.0-1' };
      const engine = { version: '26.1.5-1', fields: `Depends: ${name} (>= ${version}), runc\n` };
      const bookworm = {
        ...Object.fromEntries(
          ['mmdebstrap', 'arch-test', 'qemu-user-static', 'binfmt-support', 'runc'].map((name) => [
            name,
            old,
          ]),
        ),
        'docker.io': { version: '20.10.24-1' },
      };
      const trixie = {
        'docker.io': engine,
        'docker-cli': { version: '26.1.5-1' },
        'docker-buildx': { version: '0.13.1-1' },
        [name]: { version },
      };
      const archive = await plantArchive({ bookworm, trixie }, key, ARCH);
      const [sources, keyring] = ['etc/apt/sources.list', KEYRING].map((path) =>
        readFileSync(join(root.dir, path)),
      );
      onTestFinished(() => {
        root.file('etc/apt/sources.list', sources);
        root.file(KEYRING, keyring);
      });
      root.file('etc/apt/sources.list', `deb [signed-by=/${KEYRING}] ${archive.mirror} bookworm main\n`);
      root.file(KEYRING, readFileSync(key.keyring));

      // Programs update links and caches such as ld.so.cache, so run them before the first snapshot.
      await root.turnbuild('doctor');
      const before = state(root);
      const run = await root.turnbuild('doctor', '--fix');
      expect(run.stderr).toMatch(/Nothing was changed/);
      expect(run.stderr).toMatch(reason);
      expect(run.stderr).toMatch(/upgrade to Debian 13[\s\S]*\[APT_CONFLICT\]/);
      expect(run.code).toBe(1);
      expect(lost(before, state(root))).toEqual([]);
      expect(state(root)).toEqual(before);
    },
  );

  it.skipIf(!full)(`reports that another apt holds the lock${inFull}`, async () => {
    const before = state(root);
    const locked = `use Fcntl; open(F, ">>/var/lib/dpkg/lock-frontend");
      my $lock = pack("s s x!8 q q i x4", F_WRLCK, 0, 0, 0, 0);
      fcntl(F, F_SETLK, $lock) or die;
      system("node", "/turnbuild/bin/turnbuild.js", "doctor", "--fix"); exit($? >> 8)`;
    const run = await root.run(['perl', '-e', locked]);
    expect(run.stderr).toMatch(
      /Another program is using apt[\s\S]*process \d+[\s\S]*Wait until[\s\S]*\[APT_LOCKED\]/,
    );
    expect(run.code).toBe(1);
    expect(state(root)).toEqual(before);
  });

  it('installs missing prerequisites and changes no installed package', () => expectAddition(root, 12));

  it.skipIf(!full)(`lets dpkg finish after an interruption${inFull}`, async () => {
    // Slow dpkg down, so that the interruption arrives between unpacking and configuring.
    root.file('etc/dpkg/dpkg.cfg.d/slow', 'post-invoke="sleep 3"\n');
    const before = await root.packages();
    const script = `turnbuild() { exec node /turnbuild/bin/turnbuild.js "$@"; }
      turnbuild doctor --fix --verbose --packages hello >/log 2>&1 & pid=$!
      while ! grep -q '^Unpacking hello' /log; do sleep 0.1; done
      kill -INT $pid; wait $pid; echo "ended $?"; cat /log; dpkg --audit; dpkg-query -W hello`;
    const { stdout } = await root.run(['sh', '-c', script]);
    expect(stdout).toMatch(/^ended 130$/m);
    expect(stdout).toMatch(
      /waiting for apt-get[\s\S]*Setting up hello[\s\S]*No package is left half-installed[\s\S]*INTERRUPTED/,
    );
    expect(stdout).toMatch(/^hello\s+2\.10/m);
    expect(lost(before, await root.packages())).toEqual([]);
    root.file('etc/dpkg/dpkg.cfg.d/slow', undefined);
  });
});

const unproved = obstacle ?? (full ? undefined : 'runs only in npm run check:full');

describe.skipIf(unproved !== undefined)(
  `doctor --fix on other machines${unproved === undefined ? '' : ` (skipped: ${unproved})`}`,
  () => {
    it('installs missing prerequisites on a bare Debian 13', async () => {
      const root = await debianRoot('trixie');
      onTestFinished(root.remove);
      await expectAddition(root, 13);
    });

    it('keeps a compiler, locales, a foreign Docker client and an engine configuration unchanged', async () => {
      const root = await debianRoot('bookworm');
      onTestFinished(root.remove);
      const setUp = await root.run([
        'sh',
        '-c',
        'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends gcc libc6-dev locales xz-utils',
      ]);
      expect(setUp.code, setUp.stderr).toBe(0);
      const client = readFileSync(
        execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim(),
      );
      root.file('usr/local/bin/docker', client, 0o755);
      root.file('etc/docker/daemon.json', '{ "debug": true }\n');
      await expectAddition(root, 12);
      expect(readFileSync(join(root.dir, 'usr/local/bin/docker')).equals(client)).toBe(true);
      expect(readFileSync(join(root.dir, 'etc/docker/daemon.json'), 'utf8')).toBe('{ "debug": true }\n');
      const names = (await root.packages()).map((line) => line.split(':')[0]);
      expect(names).toContain('docker.io');
      expect(names).not.toContain('docker-cli');
    });
  },
);

/** `doctor --fix` does what its dry run announces, installs everything, and leaves every installed package unchanged. */
async function expectAddition(root: DebianRoot, release: number): Promise<void> {
  const before = { packages: await root.packages(), apt: snapshot(join(root.dir, 'etc/apt')) };
  const planned = await root.turnbuild('doctor', '--fix', '--dry-run');
  expect(planned.code, planned.stderr).toBe(0);
  expect(await root.packages()).toEqual(before.packages);

  const run = await root.turnbuild('doctor', '--fix');
  expect(run.code, run.stderr).toBe(0);
  // The real run prints exactly the dry run, then the findings.
  expect(run.stdout.slice(0, planned.stdout.length)).toBe(planned.stdout);
  // Both packages may come from the release's security updates.
  expect(planned.stdout).toMatch(/docker\.io +26\.\S+ +Debian(?:-Security)? 13/);
  expect(planned.stdout).toMatch(new RegExp(`runc +1\\.1\\.\\S+ +Debian(?:-Security)? ${release}`));
  const after = await root.packages();
  expect(lost(before.packages, after)).toEqual([]);
  expect(after.length).toBeGreaterThan(before.packages.length);
  expect(snapshot(join(root.dir, 'etc/apt'))).toEqual(before.apt);
  expect(existsSync(join(root.dir, 'var/cache/turnbuild'))).toBe(false);
  expect(readFileSync(join(root.dir, 'engine-started'), 'utf8')).toMatch(/exec dockerd/);
  expect(readFileSync(join(root.dir, 'etc/docker/daemon.json'), 'utf8')).toMatch(
    /containerd-snapshotter|debug/,
  );

  const again = await root.turnbuild('doctor', '--fix');
  expect(again.code, again.stderr).toBe(0);
  expect(again.stdout).not.toMatch(/missing|apt-get/);
  expect(await root.packages()).toEqual(after);
}
