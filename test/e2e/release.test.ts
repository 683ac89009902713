import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Text } from '../../src/io/files.ts';
import { parseManifest } from '../../src/manifest/store.ts';
import { startClassicEngine } from '../support/classic-engine.ts';
import { startRemoteBuilder } from '../support/remote-builder.ts';
import { type RunOptions, turnbuild } from '../support/turnbuild.ts';

// Real coturn 4.6.1 from the Debian archive, on a real Docker engine. The tests build on each other, in this order.
const root = fileURLToPath(new URL('../../', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'turnbuild-e2e-'));
const out = join(dir, 'dist');
const release = (args: string[], options?: RunOptions) =>
  turnbuild(['release', '4.6.1', '--source', 'debian', ...args], options);
const manifestOf = (folder: string, name = '4.6.1') => {
  const file = join(folder, name, 'manifest.json');
  return parseManifest(file, readFileSync(file, 'utf8'), sha256Text);
};
const debs = (folder: string) =>
  readdirSync(join(folder, '4.6.1'))
    .filter((name) => name.endsWith('.deb'))
    .sort();

/** For a script in a container: from here on, apt reaches nothing. */
const CUT = `echo 'Acquire { http::Proxy "http://127.0.0.1:9"; https::Proxy "http://127.0.0.1:9"; Retries "0"; };' >/etc/apt/apt.conf.d/99cut\n`;

/** The package for which faults are planted: it needs no emulation. */
const ONE = ['--target', 'debian-13', '--arch', 'x86_64'];

beforeAll(() => {
  expect(existsSync(join(root, 'lib/cli.js')), 'run `npm run build` first').toBe(true);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('turnbuild release', () => {
  it('makes and verifies packages for all targets and architectures', async () => {
    const run = await release(['--out', out]);
    console.log(run.stdout, run.stderr);
    expect(run.code).toBe(0);
    expect(debs(out)).toEqual(
      ['coturn', 'coturn-dbgsym']
        .flatMap((name) =>
          ['12_amd64', '12_arm64', '13_amd64', '13_arm64'].map(
            (end) => `${name}_4.6.1+turnbuild-1~deb${end}.deb`,
          ),
        )
        .sort(),
    );
    const others = readdirSync(join(out, '4.6.1')).filter((name) => /\.(rpm|tar\.gz)$/.test(name));
    expect(others.sort()).toEqual(
      [
        ...['aarch64', 'x86_64'].flatMap((arch) => [
          `coturn-4.6.1+turnbuild-1.${arch}.rpm`,
          `coturn-debuginfo-4.6.1+turnbuild-1.${arch}.rpm`,
        ]),
        ...['arm64', 'x86_64'].map((arch) => `coturn-4.6.1-linux-${arch}.tar.gz`),
        'coturn-4.6.1+turnbuild-1.src.rpm',
      ].sort(),
    );
    const verified = manifestOf(out).steps.filter((step) => step.stage === 'verify');
    expect(verified).toHaveLength(6);
    for (const step of verified) {
      expect(step.checks?.length).toBeGreaterThan(25);
      const unpassed = step.checks?.filter((check) => check.status !== 'passed') ?? [];
      // AddressSanitizer runs where it was compiled, and has to run there; coturn 4.6.1 has no drain.
      const emulated = !step.id.endsWith(process.arch === 'arm64' ? ':arm64' : ':x86_64');
      expect(unpassed.map(({ id, status }) => `${id} ${status}`)).toEqual(
        [...(emulated ? ['packets.sanitizer'] : []), 'service.drain'].map((id) => `${id} skipped`),
      );
      // 50 messages over four transports, and another 50 for each time that the client had to try again.
      const packets = Number(step.metrics?.turn_total_traffic_peer_sentp);
      expect(packets).toBeGreaterThanOrEqual(200);
      expect(packets % 50).toBe(0);
      expect(step.metrics).toMatchObject({
        turn_total_traffic_peer_rcvp: packets,
        turn_total_traffic_peer_rcvb: packets * 100,
      });
    }
    expect(run.stdout).toMatch(/CVE-2026-27624/);
    expect(readFileSync(join(out, '4.6.1/report.html'), 'utf8')).toMatch(
      /4\.6\.1\+turnbuild-1~deb13_arm64\.deb/,
    );
  });

  it('finds that everything is up to date', async () => {
    const before = debs(out).map((name) =>
      execFileSync('sha256sum', [join(out, '4.6.1', name)], { encoding: 'utf8' }),
    );
    const run = await release(['--out', out]);
    expect(run.code).toBe(0);
    expect(run.stdout.match(/: (build|package|verify): up to date/g)).toHaveLength(18);
    expect(
      debs(out).map((name) => execFileSync('sha256sum', [join(out, '4.6.1', name)], { encoding: 'utf8' })),
    ).toEqual(before);
  });

  it('refuses to verify a package that was changed, and makes it again', async () => {
    const name = debs(out).find((each) => each.startsWith('coturn_') && each.includes('deb13_amd64')) ?? '';
    const good = readFileSync(join(out, '4.6.1', name));
    appendFileSync(join(out, '4.6.1', name), 'x');
    const single = ['--out', out, '--target', 'debian-13', '--arch', 'x86_64'];
    const refused = await turnbuild(['verify', '4.6.1', ...single]);
    expect(refused.stderr).toMatch(
      /is not the file that package:debian-13:x86_64 has made[\s\S]*ARTIFACT_CHANGED/,
    );
    expect(refused.code).toBe(1);
    const again = await release(single);
    expect(again.stdout).toMatch(/build: up to date[\s\S]*package: done[\s\S]*verify: up to date/);
    expect(readFileSync(join(out, '4.6.1', name)).equals(good)).toBe(true);
  });

  it('verifies a package that it is given as a file, without its sources', async () => {
    const name = debs(out).find((each) => /^coturn_.*deb13_amd64/.test(each)) ?? '';
    const given = join(dir, 'given');
    mkdirSync(given);
    copyFileSync(join(out, '4.6.1', name), join(given, name));
    const run = await turnbuild(['verify', join(given, name), '--out', given]);
    expect(run.code, run.stderr).toBe(0);
    const { steps } = manifestOf(join(given, 'verified'), name.replace(/\.deb$/, ''));
    const checks = steps.find(({ stage }) => stage === 'verify')?.checks ?? [];
    expect(checks.length).toBeGreaterThan(70);
    const others = checks.filter(({ status }) => status !== 'passed');
    expect(others.map(({ id, status }) => `${id} ${status}`)).toEqual(
      ['elf.debug-symbols', 'stun.vectors', 'packets.sanitizer', 'service.drain'].map(
        (id) => `${id} skipped`,
      ),
    );
  });

  it('prints in a dry run what it would do, and does nothing', async () => {
    const elsewhere = join(dir, 'dry');
    const known = await release([
      '--out',
      elsewhere,
      '--dry-run',
      '--target',
      'debian-13',
      '--arch',
      'arm64',
    ]);
    expect(known.code, known.stderr).toBe(0);
    const lines = known.stdout.split('\n').filter((line) => line.includes('docker buildx build'));
    expect(lines.map((line) => /--target=(\w+)/.exec(line)?.[1])).toEqual([
      'build',
      'package',
      'inspect',
      'verify',
      'lab',
    ]);
    expect(lines.filter((line) => line.includes('--build-arg=ARCHIVE_STATE=STATE'))).toHaveLength(2);
    for (const line of lines)
      expect(line).toMatch(
        /base=oci-layout:\/\/\S+trixie-x86_64-[0-9a-f]{12}\/[0-9a-f]{12}@sha256:[0-9a-f]{64}/,
      );
    expect(lines[3]).toMatch(
      /target=oci-layout:\/\/\S+trixie-arm64-[0-9a-f]{12}\/[0-9a-f]{12}@sha256:[0-9a-f]{64}/,
    );
    const fresh = await release(['--out', elsewhere, '--dry-run', '--refresh-base', '--target', 'debian-13']);
    expect(fresh.stdout).toMatch(/mmdebstrap .*trixie[\s\S]*base=oci-layout:\S+@DIGEST/);
    expect(existsSync(elsewhere)).toBe(false);
  });

  it('gives the same bytes without the build cache, elsewhere, a day later, as another user, time zone, locale and umask', async () => {
    const other = join(dir, 'another place');
    const recipes = copyRecipes();
    withClockOfTomorrow(recipes);
    const umask = process.umask(0o022);
    try {
      const options = anotherUser(other);
      process.umask(0o077);
      const args = ['--out', join(other, 'dist'), '--recipes', recipes, '--target', 'debian-13'];
      const run = await release([...args, '--no-verify', '--no-cache'], options);
      expect(run.code, run.stderr).toBe(0);
    } finally {
      process.umask(umask);
    }
    for (const arch of ['arm64', 'x86_64']) {
      const log = readFileSync(join(other, `dist/4.6.1/logs/build-debian-13-${arch}.log`), 'utf8');
      const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
      expect(log).toContain(`the clock says ${tomorrow}`);
    }
    await expectSameDebs(join(other, 'dist'), 4);
  });

  it('builds and verifies over the protocol of a remote builder, with no local tags or mounts, and makes the same bytes', async () => {
    const other = join(dir, 'remote');
    const builder = await startRemoteBuilder('turnbuild-e2e-remote', join(dir, 'buildx'));
    try {
      const where = ['--target', 'debian-13', '--arch', 'x86_64', '--builder', builder.name];
      const run = await release(['--out', other, ...where, '--no-cache'], { env: builder.env });
      expect(run.code, run.stderr).toBe(0);
      expect(run.stdout).toMatch(/builder turnbuild-e2e-remote \(remote\)/);
    } finally {
      await builder.stop();
    }
    // Sources and packages at least: the build did come this way.
    expect(builder.transferred()).toBeGreaterThan(2 ** 20);
    await expectSameDebs(other, 2);
  });

  it('verifies one package at a time where containers may share a network', async () => {
    const recipes = copyRecipes();
    // Only when it began and ended, and no package that could pass.
    writeFileSync(
      join(recipes, 'docker/verify/main.sh'),
      'mkdir -p /out; printf "begin\\t%s\\n" "$(date +%s%N)" >/out/facts.txt; sleep 3; printf "end\\t%s\\n" "$(date +%s%N)" >>/out/facts.txt\n',
    );
    const other = join(dir, 'turns');
    const builder = await startRemoteBuilder('turnbuild-e2e-turns', join(dir, 'buildx-turns'));
    try {
      const targets = ['--target', 'debian-12,debian-13', '--arch', 'x86_64'];
      const where = [...targets, '--jobs', '2', '--builder', builder.name];
      const run = await release(['--out', other, '--recipes', recipes, ...where], { env: builder.env });
      expect(run.stderr).toMatch(/VERIFY_FAILED/);
    } finally {
      await builder.stop();
    }
    const spans = ['debian-12', 'debian-13'].map((target) => {
      const facts = readFileSync(join(other, `4.6.1/verify/${target}-x86_64/verify/facts.txt`), 'utf8');
      return [...facts.matchAll(/\t(\d+)/g)].map(([, time]) => BigInt(time ?? 0));
    });
    const [first, second] = spans.sort((a, b) => ((a[0] ?? 0n) < (b[0] ?? 0n) ? -1 : 1));
    expect(first).toHaveLength(2);
    expect(second?.[0]).toBeGreaterThan(first?.[1] ?? 0n);
  });

  it('works on an engine without the containerd image store, and makes the same bytes', async () => {
    const engine = await startClassicEngine(join(dir, 'engine'));
    const other = join(dir, 'classic');
    try {
      const args = ['--out', other, ...ONE];
      const dry = await release([...args, '--dry-run'], { env: engine.env });
      expect(dry.stdout).toMatch(
        /docker --context default import --platform linux\/amd64 .* turnbuild\/trixie-x86_64:/,
      );
      const run = await release(args, { env: engine.env });
      expect(run.code, run.stderr).toBe(0);
      const later = await release([...args, '--dry-run'], { env: engine.env });
      expect(later.stdout).not.toMatch(/import/);
      expect(later.stdout).toMatch(/--build-context=base=docker-image:\/\/turnbuild\/trixie-x86_64:/);
    } finally {
      await engine.stop();
    }
    await expectSameDebs(other, 2);
  });

  it('packages without compiling when only the unit has changed', async () => {
    const recipes = copyRecipes();
    appendFileSync(join(recipes, 'packaging/common/coturn.service'), '\n# changed\n');
    const run = await release(['--out', out, '--recipes', recipes, '--target', 'debian-13', '--no-verify']);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stdout.match(/: build: up to date/g)).toHaveLength(2);
    expect(run.stdout.match(/: package: done/g)).toHaveLength(2);
  });
});

describe('failures', () => {
  const broken = join(dir, 'broken');

  it('a port that verify needs is in use: says which, and blames no package', async () => {
    const recipes = copyRecipes();
    const main = join(recipes, 'docker/verify/main.sh');
    const listener = `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalPort => 3478); sleep 600' &\nsleep 2\n`;
    writeFileSync(main, `${listener}${readFileSync(main, 'utf8')}`);
    const run = await release(['--out', out, '--recipes', recipes, ...ONE]);
    expect(run.stderr).toMatch(/ports in use in the builder's network: 3478[\s\S]*VERIFY_PORT_IN_USE/);
    expect(run.code).toBe(1);
    const step = manifestOf(out).steps.find((each) => each.id === 'verify:debian-13:x86_64');
    expect(step?.checks ?? []).toEqual([]);
  });

  it('a network that is cut while the toolchain is installed: says so, and a re-run works', async () => {
    const recipes = copyRecipes();
    const script = join(recipes, 'docker/build/toolchain.sh');
    writeFileSync(script, readFileSync(script, 'utf8').replace('own=$(', `${CUT}own=$(`));
    const args = ['--out', join(dir, 'cut'), ...ONE, '--no-verify'];
    const run = await release([...args, '--recipes', recipes]);
    expect(run.stderr).toMatch(
      /the package archive could not be reached from the builder[\s\S]*NETWORK_FAILED/,
    );
    expect(run.code).toBe(1);
    expect(debs(join(dir, 'cut'))).toEqual([]);
    expect((await release(args)).code).toBe(0);
  });

  it('a network that is cut while a package is being verified: says so, and blames no package', async () => {
    const recipes = copyRecipes();
    const main = join(recipes, 'docker/verify/main.sh');
    writeFileSync(main, `${CUT}${readFileSync(main, 'utf8')}`);
    const run = await release(['--out', out, '--recipes', recipes, ...ONE]);
    expect(run.stderr).toMatch(/archive could not be reached while installing[\s\S]*NETWORK_FAILED/);
    expect(run.code).toBe(1);
  });

  it('a stage whose needs were not made, or were made of something else, says which command makes them', async () => {
    const args = ['4.6.1', '--source', 'debian', ...ONE];
    const blocked = await turnbuild(['package', ...args, '--out', join(dir, 'nothing')]);
    expect(blocked.stderr).toMatch(
      /needs build:debian-13:x86_64.*not been made[\s\S]*turnbuild release[\s\S]*STEP_BLOCKED/,
    );
    expect(blocked.code).toBe(1);
    const recipes = copyRecipes();
    appendFileSync(join(recipes, 'docker/build/build.sh'), '\n# changed\n');
    const stale = await turnbuild(['package', ...args, '--out', out, '--recipes', recipes]);
    expect(stale.stderr).toMatch(
      /build:debian-13:x86_64 was made of other[\s\S]*turnbuild release[\s\S]*STEP_STALE/,
    );
    expect(stale.code).toBe(1);
  });

  it('a manifest that was edited, or is of a newer turnbuild, is not believed', async () => {
    const file = join(out, '4.6.1/manifest.json');
    const text = readFileSync(file, 'utf8');
    try {
      for (const [changed, code] of [
        [text.replace('"status": "passed"', '"status": "skipped"'), 'MANIFEST_CHANGED'],
        [text.replace('"schema": 1', '"schema": 99'), 'MANIFEST_NEWER'],
        [text.slice(0, 500), 'MANIFEST_INVALID'],
      ] as const) {
        writeFileSync(file, changed);
        const run = await release(['--out', out, ...ONE]);
        expect(run.stderr).toMatch(
          new RegExp(`manifest\\.json[\\s\\S]*Remove it[\\s\\S]*${code}|newer one[\\s\\S]*${code}`),
        );
        expect(run.code).toBe(1);
        expect(readFileSync(file, 'utf8')).toBe(changed);
      }
    } finally {
      writeFileSync(file, text);
    }
  });

  it('faults that loopback and a short look hide are found: in the network, in a pool, in a scrape, in the unit', async () => {
    const recipes = copyRecipes();
    const conf = join(recipes, 'packaging/common/turnserver.conf');
    writeFileSync(conf, readFileSync(conf, 'utf8').replace(/^denied-peer-ip=10\..*\n/m, ''));
    const unit = join(recipes, 'packaging/common/coturn.service');
    writeFileSync(unit, readFileSync(unit, 'utf8').replace(/^IPAddressDeny=.*\n/m, ''));
    const scrape = join(recipes, '../patches/prometheus-client/promhttp.c');
    const leak = '  static char *volatile leaked;\n  leaked = malloc(1024);\n  memset(leaked, 1, 1024);\n';
    const respond = '  struct MHD_Response *response = ';
    writeFileSync(scrape, readFileSync(scrape, 'utf8').replace(respond, `${leak}${respond}`));
    // The router takes one off: 1 would not even arrive. And one port in a hundred is never given back. And a byte behind the end
    // of some packets is read, which crashes nothing.
    plantPatch(
      recipes,
      '--- a/src/apps/relay/turn_ports.c\n+++ b/src/apps/relay/turn_ports.c\n@@ -198,6 +198,7 @@\n \n void turnports_release(turnports* tp, uint16_t port) {\n   TURN_MUTEX_LOCK(&tp->mutex);\n+  if(port % 100 == 50) { TURN_MUTEX_UNLOCK(&tp->mutex); return; }\n   if(tp && port>=tp->range_start && port<=tp->range_stop) {\n     uint16_t position=(uint16_t)(tp->high & 0x0000FFFF);\n     if(is_taken(tp->status[port])) {\n' +
        '--- a/src/apps/relay/ns_ioalib_engine_impl.c\n+++ b/src/apps/relay/ns_ioalib_engine_impl.c\n@@ -797,6 +797,8 @@\n \tif(fd<0)\n \t\treturn 0;\n \n+\tint ttl = 2;\n+\tsetsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));\n \tset_sock_buf_size(fd,UR_CLIENT_SOCK_BUF_SIZE);\n \n \tif(is_tcp_socket(st)) { /* <<== FREEBSD fix */\n' +
        '--- a/src/client/ns_turn_msg.c\n+++ b/src/client/ns_turn_msg.c\n@@ -434,6 +434,12 @@\n \n int stun_is_command_message_str(const uint8_t* buf, size_t blen)\n {\n+\tif (buf && blen % 4 == 1) {\n+\t\tuint8_t *copy = (uint8_t*)malloc(blen);\n+\t\tmemcpy(copy, buf, blen);\n+\t\tif (*(volatile uint8_t*)(copy + blen)) { free(copy); return 0; }\n+\t\tfree(copy);\n+\t}\n \tif (buf && blen >= STUN_HEADER_LENGTH) {\n \t\tif (!STUN_VALID_CHANNEL(nswap16(((const uint16_t*)buf)[0]))) {\n \t\t\tif ((((uint8_t) buf[0]) & ((uint8_t) (0xC0))) == 0) {\n',
    );
    const other = join(dir, 'faults');
    const run = await release(['--out', other, '--recipes', recipes, ...ONE]);
    expect(run.stderr).toMatch(/VERIFY_FAILED/);
    const step = manifestOf(other).steps.find(({ id }) => id === 'verify:debian-13:x86_64');
    const failed = new Map(
      step?.checks?.filter(({ status }) => status === 'failed').map(({ id, message }) => [id, message]),
    );
    expect([...failed.keys()].sort()).toEqual([
      'answers.peer',
      'capacity.even-port',
      'capacity.ports',
      'metrics.scrapes',
      'network.ttl',
      'package.configuration',
      'package.unit-settings',
      'packets.sanitizer',
      'peers.forbidden',
      'service.metadata',
    ]);
    expect(failed.get('capacity.even-port')).toMatch(/^20 of 2000 ports are lost after 2000 allocations/);
    expect(failed.get('capacity.ports')).toMatch(/^round 2: 495 allocations from 500 ports/);
    expect(failed.get('metrics.scrapes')).toMatch(/resident memory grew by \d+\.\d MiB in 10000 scrapes/);
    expect(failed.get('service.metadata')).toMatch(/3 datagrams have left for 169\.254\.169\.254/);
    expect(failed.get('packets.sanitizer')).toMatch(
      /^heap-buffer-overflow .*ns_turn_msg\.c:\d+ in stun_is_command_message_str; after \d+ packets/,
    );
    expect(failed.get('network.ttl')).toMatch(/one arrived with 1$/);
    expect(failed.get('peers.forbidden')).toMatch(
      /CreatePermission to 10\.0\.0\.1 .*was granted.*packets have left the server: .* > 10\.0\.0\.1\.4444/,
    );
  });

  it('a patch that does not apply names the file and the hunk', async () => {
    const recipes = copyRecipes();
    plantPatch(
      recipes,
      '--- a/src/ns_turn_defs.h\n+++ b/src/ns_turn_defs.h\n@@ -1,3 +1,3 @@\n not the first line\n-nor the second\n+planted\n not the third\n',
    );
    const run = await release([
      '--out',
      broken,
      '--recipes',
      recipes,
      '--target',
      'debian-13',
      '--arch',
      'x86_64',
      '--no-verify',
    ]);
    expect(run.stderr).toMatch(
      /planted\/planted\.patch does not apply to coturn 4\.6\.1: src\/ns_turn_defs\.h Hunk #1 FAILED[\s\S]*PATCH_FAILED/,
    );
    expect(run.code).toBe(1);
    expect(debs(broken)).toEqual([]);
  });

  it('a compile error in one architecture keeps the other, and a re-run makes just what is missing', async () => {
    const recipes = copyRecipes();
    plantPatch(
      recipes,
      '--- a/src/ns_turn_defs.h\n+++ b/src/ns_turn_defs.h\n@@ -33,4 +33,7 @@\n \n #define TURN_SERVER_VERSION "4.6.1"\n+#if defined(__aarch64__)\n+#error planted\n+#endif\n #define TURN_SERVER_VERSION_NAME "Gorst"\n #define TURN_SOFTWARE "Coturn-" TURN_SERVER_VERSION " \'" TURN_SERVER_VERSION_NAME "\'"\n',
    );
    const args = ['--out', broken, '--recipes', recipes, '--target', 'debian-13', '--no-verify'];
    const run = await release(args);
    expect(run.stderr).toMatch(/did not compile for arm64[\s\S]*#error planted[\s\S]*COMPILE_FAILED/);
    expect(run.code).toBe(1);
    expect(debs(broken)).toEqual([
      'coturn-dbgsym_4.6.1+turnbuild-1~deb13_amd64.deb',
      'coturn_4.6.1+turnbuild-1~deb13_amd64.deb',
    ]);
    expect(readFileSync(join(broken, '4.6.1/logs/build-debian-13-arm64.log'), 'utf8')).toMatch(
      /#error planted/,
    );
    const again = await release(args);
    expect(again.code).toBe(1);
    expect(again.stdout).toMatch(/debian-13 x86_64: package: up to date/);
  });

  it('a full disk is named as one, keeps nothing half-made, and the same command works once there is space', async () => {
    const small = join(dir, 'small');
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', small]);
    try {
      const args = ['--out', join(small, 'dist'), '--target', 'debian-13', '--arch', 'x86_64', '--no-verify'];
      const run = await release(args);
      expect(run.stderr).toMatch(/DISK_FULL/);
      expect(run.code).toBe(1);
      expect(debs(join(small, 'dist'))).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=64m', small]);
      const again = await release(args);
      expect(again.code, again.stderr).toBe(0);
      expect(debs(join(small, 'dist'))).toHaveLength(2);
    } finally {
      execFileSync('umount', ['--lazy', small]);
    }
  });

  it('one release at a time in a folder; Ctrl-C ends it at once and leaves nothing half-made', async () => {
    const interrupted = join(dir, 'interrupted');
    const args = ['--out', interrupted, '--target', 'debian-12', '--arch', 'arm64', '--no-verify'];
    let second: Awaited<ReturnType<typeof turnbuild>> | undefined;
    const recipes = copyRecipes();
    // Another comment: a compile that no cache has.
    appendFileSync(join(recipes, 'docker/build/build.sh'), `\n# ${Date.now()}\n`);
    const first = await release([...args, '--recipes', recipes], {
      onStart: (child) => {
        child.stdout?.on('data', (chunk: Buffer) => {
          if (!chunk.toString().includes('build ...')) return;
          setTimeout(async () => {
            second = await release([...args, '--recipes', recipes]);
            child.kill('SIGINT');
          }, 1500);
        });
      },
    });
    expect(second?.stderr).toMatch(/Another release works in .*RELEASE_LOCKED/s);
    expect(second?.code).toBe(1);
    expect(first.stderr).toMatch(/INTERRUPTED/);
    expect(first.code).toBe(130);
    const left = readdirSync(join(interrupted, '4.6.1'));
    expect(left.filter((name) => name.startsWith('.') || name.endsWith('.deb') || name === 'build')).toEqual(
      [],
    );
    const rerun = await release(args);
    expect(rerun.code, rerun.stderr).toBe(0);
    expect(debs(interrupted)).toHaveLength(2);
  });
});

describe('Ctrl-C', () => {
  it('while a root is bootstrapped leaves nothing of it, and the next release makes it', async () => {
    const cache = join(dir, 'cache');
    const args = ['--out', join(dir, 'rootless'), ...ONE, '--no-verify'];
    const env = { TURNBUILD_CACHE: cache };
    const run = await release(args, {
      env,
      onStart: (child) => interruptOnLine(child, 'bootstrap ...', 3000),
    });
    expect(run.stderr).toMatch(/INTERRUPTED/);
    expect(run.code).toBe(130);
    const left = readdirSync(join(cache, 'bases'), { recursive: true }) as string[];
    expect(left.filter((path) => path.includes('/'))).toEqual([]);
    const again = await release(args, { env });
    expect(again.code, again.stderr).toBe(0);
    await expectSameDebs(join(dir, 'rootless'), 2);
  });

  it('while a package is verified leaves no verdict, and keeps the package', async () => {
    const recipes = copyRecipes();
    const main = join(recipes, 'docker/verify/main.sh');
    writeFileSync(main, `sleep 60\n${readFileSync(main, 'utf8')}`);
    const run = await release(['--out', out, '--recipes', recipes, ...ONE], {
      onStart: (child) => interruptOnLine(child, 'verify ...', 3000),
    });
    expect(run.stderr).toMatch(/INTERRUPTED/);
    expect(run.code).toBe(130);
    expect(readdirSync(join(out, '4.6.1')).filter((name) => name.startsWith('.'))).toEqual([]);
    const again = await release(['--out', out, ...ONE]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toMatch(/debian-13 x86_64: package: up to date/);
  });
});

describe('the laboratory', () => {
  it('leaves no container behind: not after Ctrl-C, and after SIGKILL none that the next run would not remove', async () => {
    const recipes = copyRecipes();
    const main = join(recipes, 'docker/verify/main.sh');
    writeFileSync(main, 'mkdir -p /out; touch /out/facts.txt\n');
    const args = ['--out', join(dir, 'lab'), '--recipes', recipes, ...ONE];
    const end = (signal: NodeJS.Signals) => (child: ChildProcess) => {
      const before = labs();
      const seen = setInterval(() => {
        // Not the one that an earlier run has left.
        if (!labs('running').some((name) => !before.includes(name))) return;
        clearInterval(seen);
        child.kill(signal);
      }, 200);
    };
    const killed = await release(args, { onStart: end('SIGKILL') });
    expect(killed.code).not.toBe(0);
    const [left] = labs();
    expect(left).toMatch(/^turnbuild-lab-debian-13-x86-64-/);
    const interrupted = await release(args, { onStart: end('SIGINT') });
    expect(interrupted.stderr).toMatch(/INTERRUPTED/);
    expect(interrupted.code).toBe(130);
    expect(labs()).toEqual([]);
    expect(
      execFileSync('docker', ['images', '--format', '{{.Repository}}'], { encoding: 'utf8' }),
    ).not.toMatch(/turnbuild-lab/);
  });

  it('is not there: says what it takes, and blames no package', async () => {
    const recipes = copyRecipes();
    writeFileSync(join(recipes, 'docker/verify/main.sh'), 'mkdir -p /out; touch /out/facts.txt\n');
    // An engine that gives no container the right to make namespaces.
    const bin = join(dir, 'no-namespaces');
    mkdirSync(bin);
    const docker = execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim();
    const script = `#!/bin/bash\nargs=()\nfor arg; do [ "$arg" = --cap-add=SYS_ADMIN ] || args+=("$arg"); done\nexec ${docker} "\${args[@]}"\n`;
    writeFileSync(join(bin, 'docker'), script, { mode: 0o755 });
    const args = ['--out', join(dir, 'lab'), '--recipes', recipes, ...ONE];
    const run = await release(args, { env: { PATH: `${bin}:${process.env.PATH}` } });
    expect(run.stderr).toMatch(/unshare --net[\s\S]*NET_ADMIN, SYS_ADMIN[\s\S]*LAB_NO_NAMESPACES/);
    expect(run.code).toBe(1);
    expect(labs()).toEqual([]);
  });
});

/** Names of the laboratory's containers. */
function labs(status?: string): string[] {
  const filters = [
    '--filter',
    'label=turnbuild.lab',
    ...(status === undefined ? [] : ['--filter', `status=${status}`]),
  ];
  const text = execFileSync('docker', ['ps', '--all', ...filters, '--format', '{{.Names}}'], {
    encoding: 'utf8',
  });
  return text.split('\n').filter((name) => name !== '');
}

/** Sends SIGINT some milliseconds after the first line that has this text. */
function interruptOnLine(child: ChildProcess, text: string, ms: number): void {
  let seen = false;
  child.stdout?.on('data', (chunk: Buffer) => {
    if (seen || !chunk.toString().includes(text)) return;
    seen = true;
    setTimeout(() => child.kill('SIGINT'), ms);
  });
}

/** Packages in another folder are those of the first release, byte for byte. */
async function expectSameDebs(folder: string, count: number): Promise<void> {
  expect(debs(folder)).toHaveLength(count);
  const reference = await referenceFor(folder);
  for (const name of debs(folder)) {
    const [first, second] = [reference, folder].map((each) => join(each, '4.6.1', name)) as [string, string];
    if (readFileSync(first).equals(readFileSync(second))) continue;
    // The difference in words; diffoscope exits with 1 when there is one.
    spawnSync('diffoscope', ['--text', '-', first, second], { stdio: 'inherit' });
    throw new Error(`${name} differs`);
  }
}

/**
 * Where the packages lie that those in `folder` must be the same as: the first release's. Where the archive has got other
 * packages since, which is another input, they are made once more, of what it has now.
 */
async function referenceFor(folder: string): Promise<string> {
  const moved = otherPackages(out, folder);
  if (moved.length === 0) return out;
  console.log(
    `the archive moved while the tests ran, so the first release is made anew: ${moved.join(', ')}`,
  );
  const anew = mkdtempSync(join(dir, 'anew-'));
  const steps = manifestOf(folder).steps.filter((step) => step.stage === 'build');
  const arch = steps.map((step) => step.arch).join(',');
  const run = await release(['--out', anew, '--target', 'debian-13', '--arch', arch, '--no-verify']);
  expect(run.code, run.stderr).toBe(0);
  expect(otherPackages(anew, folder)).toEqual([]);
  return anew;
}

/** Packages of which the toolchains of two releases have different versions. */
function otherPackages(first: string, second: string): string[] {
  return manifestOf(second)
    .steps.filter((step) => step.stage === 'build')
    .flatMap((step) => {
      const [a, b] = [first, second].map((folder) => toolchainOf(folder, step.id));
      return [...(a ?? [])].filter(([name, version]) => b?.has(name) && b.get(name) !== version);
    })
    .map(([name]) => name);
}

/** Package names and versions of the toolchain that a release was compiled with. */
function toolchainOf(folder: string, id: string): Map<string, string> {
  const facts = manifestOf(folder).steps.find((step) => step.id === id)?.facts;
  const lines = (facts?.toolchain ?? []) as string[];
  expect(lines.length, `toolchain of ${id}`).toBeGreaterThan(100);
  return new Map(lines.map((line) => line.split('=') as [string, string]));
}

/** Recipes whose containers have a clock that is a day ahead. */
function withClockOfTomorrow(recipes: string): void {
  const target = join(recipes, 'targets/debian-13.yaml');
  writeFileSync(target, readFileSync(target, 'utf8').replace('tools: [', 'tools: [faketime, '));
  for (const name of ['build/build.sh', 'deb/package.sh']) {
    const script = join(recipes, 'docker', name);
    const clock =
      'LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)\nexport LD_PRELOAD FAKETIME=+1d\necho "the clock says $(date -u +%F)"\n';
    writeFileSync(script, readFileSync(script, 'utf8').replace('set -eu\n', `set -eu\n${clock}`));
  }
}

/** A copy of turnbuild and its cache for a user that may use the Docker engine and nothing else of ours. */
function anotherUser(home: string): RunOptions {
  const env = {
    TZ: 'Asia/Kathmandu',
    LC_ALL: 'C',
    LANG: 'C',
    HOME: home,
    TURNBUILD_CACHE: join(home, 'cache'),
  };
  const program = join(home, 'turnbuild');
  const modules = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
  });
  const needed = modules
    .trim()
    .split('\n')
    .filter((path) => path.includes('/node_modules/'))
    .map((path) => relative(root, path));
  for (const name of ['bin', 'lib', 'package.json', ...needed])
    cpSync(join(root, name), join(program, name), { recursive: true });
  const cache =
    process.env.TURNBUILD_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'turnbuild');
  cpSync(cache, env.TURNBUILD_CACHE, { recursive: true });
  if (process.getuid?.() !== 0) {
    console.log('not root: the same user builds again');
    return { cwd: home, env, program };
  }
  const user = { uid: 12345, gid: statSync('/var/run/docker.sock').gid };
  execFileSync('chmod', ['-R', 'a+rX', dir]);
  execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, home]);
  return { cwd: home, env, program, user };
}

let copies = 0;

/** Recipes and patches of the project, to be changed. */
function copyRecipes(): string {
  const copy = join(dir, `recipes-${++copies}`);
  cpSync(join(root, 'recipes'), join(copy, 'recipes'), { recursive: true });
  cpSync(join(root, 'patches'), join(copy, 'patches'), { recursive: true });
  return join(copy, 'recipes');
}

function plantPatch(recipes: string, patch: string): void {
  const patches = join(recipes, '../patches');
  mkdirSync(join(patches, 'planted'));
  writeFileSync(join(patches, 'planted/series'), 'planted.patch\n');
  writeFileSync(join(patches, 'planted/planted.patch'), patch);
  appendFileSync(
    join(patches, 'compatibility.yaml'),
    "- versions: '4.6.1'\n  series: planted\n  reason: a planted fault\n",
  );
}
