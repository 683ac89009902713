import { execSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MACHINE } from '../../src/lab/machine/addresses.ts';
import { bootImage } from '../support/boot-laboratory.ts';
import {
  checksOf,
  copyRecipes,
  edit,
  fileFolder,
  filesOf,
  manifestOf,
  NATIVE,
  release,
  run461,
  unpassed,
} from '../support/e2e.ts';

// Boots images of every cloud and architecture. The packages themselves are tested elsewhere.
const dir = fileFolder('full-machines');

/** Faults for the end of assemble.sh that only a running machine shows. test/e2e/image.test.ts has those of a disk. */
const PLANT = `
units=etc/systemd/system
unit() {
	printf '[Unit]\\nAfter=coturn.service\\n[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=%s\\n' "$2" >$units/$1.service
	ln -s ../$1.service $units/multi-user.target.wants/$1.service
}
mkdir -p $units/sockets.target.wants $units/coturn.service.d
for port in 22 8080; do
	printf '[Socket]\\nListenStream=%s\\nAccept=yes\\n' $port >$units/planted-$port.socket
	printf '[Service]\\nExecStart=/usr/bin/cat\\nStandardInput=socket\\n' >"$units/planted-$port@.service"
	ln -s ../planted-$port.socket $units/sockets.target.wants/planted-$port.socket
done
unit planted-failure /bin/false
unit planted-oops '/bin/sh -c "echo \\"<0>Oops: 0000 planted\\" >/dev/kmsg"'
unit planted-secret '/usr/bin/sqlite3 /var/lib/turn/turndb "select value from turn_secret"'
cat >$units/coturn.service.d/zz-planted.conf <<'END'
[Service]
ExecStart=
ExecStart=/bin/sh -c 'export TURNSERVER_PROMETHEUS_ADDRESS=0.0.0.0; { sed "s,^external-ip=.*,external-ip=20.0.9.77/172.31.16.10," /etc/turnserver.conf; echo aux-server=172.31.16.10:3999; } >/tmp/planted.conf && exec /usr/bin/turnserver -c /tmp/planted.conf --pidfile='
END
`;

describe('turnbuild image', () => {
  it('makes images of both architectures for both clouds, which pass every check', async () => {
    const args = ['--arch', 'arm64,x86_64', '--out', join(dir, 'all')];
    const built = await release([...args, '--target', 'debian-13', '--only', 'elf']);
    expect(built.code, built.stderr).toBe(0);
    const run = await run461('image', args);
    expect(run.code, run.stderr).toBe(0);
    const manifest = manifestOf(join(dir, 'all'));
    for (const cloud of ['aws', 'gce'])
      for (const arch of ['arm64', 'x86_64']) {
        const disk = unpassed(checksOf(manifest, `image:${cloud}:${arch}`));
        expect(disk).toEqual(cloud === 'aws' ? ['image.administration not-applicable'] : []);
        // Only images for Compute Engine have an SSH server by default.
        expect(unpassed(checksOf(manifest, `boot:${cloud}:${arch}`))).toEqual([
          'machine.drain not-applicable',
          ...(cloud === 'aws' ? ['machine.ssh not-applicable'] : []),
        ]);
      }
  });
});

describe('turnbuild image for EC2', () => {
  const out = join(dir, 'aws');
  const args = ['--arch', NATIVE, '--out', out];
  const image = (...more: string[]) => run461('image', [...args, '--cloud', 'aws', ...more]);

  beforeAll(async () => {
    const built = await release([...args, '--target', 'debian-13', '--only', 'elf']);
    expect(built.code, built.stderr).toBe(0);
  });

  it('makes an image that boots and relays without any IPv4 address', async () => {
    const run = await image('--no-boot');
    expect(run.code, run.stderr).toBe(0);
    const [name = ''] = filesOf(out, /\.raw\.zst$/);
    const { boots } = await bootImage(join(dir, 'ipv6'), join(out, '4.6.1', name), {
      ...{ arch: NATIVE, cloud: 'aws', volumeGiB: 3, bootSeconds: 300 },
      ...{ ssh: false, ipv6Only: true },
    });
    const [boot] = boots;
    expect(boot?.problem).toBeUndefined();
    expect(boot?.problems).toEqual({});
    expect(boot?.answered).toBeGreaterThan(0);
    expect(boot?.relays.map(({ transport }) => transport)).toEqual(['udp', 'tcp', 'tls', 'dtls']);
    for (const relay of boot?.relays ?? [])
      expect(relay).toMatchObject({ server: MACHINE.ipv6, relayed: MACHINE.ipv6, received: 100 });
    expect(boot?.stranger?.error).toContain('401');
    // Clients that ask for no family would get IPv4 otherwise.
    expect(boot?.trials.anyFamily).toEqual([{ word: 'success', relayed: MACHINE.ipv6 }]);
    expect(boot?.inside).toMatchObject({ state: 'running', failed: [], restarted: [], secretLines: 0 });
    const listening = boot?.inside?.listening.filter(({ user }) => user === 'turnserver') ?? [];
    const open = listening.filter(({ address }) => !/7F$|^0{24}/.test(address));
    expect(open.length).toBeGreaterThan(0);
    for (const { protocol, port } of open) expect(protocol, String(port)).toMatch(/6$/);
    expect(boot?.console).toEqual([]);
    expect(boot?.off).toBe(true);
  });

  it('blames no machine for a full disk of the laboratory', async () => {
    const [name = ''] = filesOf(out, /\.raw\.zst$/);
    const image = join(out, '4.6.1', name);
    expect(name).not.toBe('');
    // Enough for the volume and the firmware's variables, which take 64 MiB on arm64, and less than what counts as full.
    const used = execSync(
      `f=${join(dir, 'used.raw')} && zstd -q -d --sparse --force ${image} -o $f && du --block-size=1 $f && rm $f`,
    );
    const space = Number.parseInt(String(used), 10) + (NATIVE === 'arm64' ? 69 : 5) * 1024 ** 2;
    const booted = bootImage(
      join(dir, 'full'),
      image,
      { arch: NATIVE, cloud: 'aws', volumeGiB: 3, bootSeconds: 300, ssh: false, ipv6Only: true },
      space,
    );
    await expect(booted).rejects.toThrow('/tmp/machine/disk.raw: No space left on device');
  });

  it('makes an image with SSH, which the key pair of the instance opens from listed networks only', async () => {
    const run = await image('--ssh', 'cloud');
    expect(run.code, run.stderr).toBe(0);
    const checks = checksOf(manifestOf(out), `boot:aws:${NATIVE}`);
    expect(unpassed(checks)).toEqual(['machine.drain not-applicable']);
    expect(checks.get('machine.ssh')?.message).toContain('admin logged in');
  });

  it('finds faults that only a running machine shows', async () => {
    const recipes = copyRecipes(dir);
    edit(join(recipes, 'docker/machine/assemble.sh'), (text) =>
      text.replace('\n# Every file has', `${PLANT}\n# Every file has`),
    );
    const run = await image('--recipes', recipes);
    expect(run.code).toBe(1);
    const checks = checksOf(manifestOf(out), `boot:aws:${NATIVE}`);
    const messageOf = (id: string) => checks.get(`machine.${id}`)?.message ?? '';
    for (const port of ['root listens on TCP port 22', 'root listens on TCP port 8080'])
      expect(messageOf('ports')).toContain(port);
    for (const port of [3999, 9641])
      expect(messageOf('ports')).toContain(`turnserver listens on TCP port ${port}`);
    expect(messageOf('units')).toContain('planted-failure.service failed');
    expect(messageOf('console')).toContain('kernel oops: ');
    expect(messageOf('journal')).toContain('lines of the journal contain a secret');
    expect(messageOf('relayed-address')).toContain('a client got 20.0.9.77 (expected 20.0.9.10)');
  });
});
