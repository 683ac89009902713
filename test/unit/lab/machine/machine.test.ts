import { describe, expect, it } from 'vitest';
import {
  MACHINE,
  METADATA4,
  METADATA6,
  SERVICES4,
  SERVICES6,
  TAP,
} from '../../../../src/lab/machine/addresses.ts';
import { parseLogins, parseSizes, parseSockets, restartedUnits } from '../../../../src/lab/machine/inside.ts';
import { LIMITS_COMMAND, parseLimits } from '../../../../src/lab/machine/limits.ts';
import { qemuCommand } from '../../../../src/lab/machine/qemu.ts';
import { dnsmasqArgs, natRules, tapCommands } from '../../../../src/lab/machine/router.ts';

const VM = {
  arch: 'arm64',
  disk: { path: '/tmp/disk.raw', controller: 'nvme' },
  variables: '/tmp/variables.fd',
  memoryMiB: 1024,
  processors: 2,
  kvm: false,
  credentials: { name: 'a value, with commas' },
  sockets: { console: '/tmp/console', probe: '/tmp/probe', control: '/tmp/control' },
} as const;

describe('qemuCommand', () => {
  it.each(['arm64', 'x86_64'] as const)(
    'starts %s from firmware, with the network and the disk, and nothing of the host',
    (arch) => {
      const words = qemuCommand({ ...VM, arch });
      expect(words[0]).toBe(arch === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64');
      const line = words.join(' ');
      expect(line).toContain(`-netdev tap,id=net,ifname=${TAP},script=no,downscript=no`);
      expect(line).toContain('if=pflash,format=raw,readonly=on,file=/usr/share/');
      expect(line).toContain('-device nvme,drive=disk');
      expect(line).toContain('-accel tcg');
      expect(line).toContain('-nodefaults');
      expect(line).not.toContain('-netdev user');
    },
  );

  it('ends instead of rebooting, so that a panic ends the machine', () => {
    expect(qemuCommand(VM)).toContain('-no-reboot');
  });

  it('uses virtualisation only if told to', () => {
    expect(qemuCommand(VM).join(' ')).not.toContain('kvm');
    expect(qemuCommand({ ...VM, kvm: true }).join(' ')).toContain('-accel kvm -cpu host');
  });

  it('spares an emulated arm64 kernel its separate page tables', () => {
    const extra = (vm: Parameters<typeof qemuCommand>[0]) =>
      qemuCommand(vm).filter((word) => word.includes('kernel-cmdline-extra'));
    expect(extra(VM)).toEqual(['type=11,value=io.systemd.stub.kernel-cmdline-extra=kpti=off']);
    expect(extra({ ...VM, kvm: true })).toEqual([]);
    expect(extra({ ...VM, arch: 'x86_64' })).toEqual([]);
  });

  it('attaches a SCSI disk for clouds that have one', () => {
    const line = qemuCommand({ ...VM, disk: { ...VM.disk, controller: 'virtio-scsi' } }).join(' ');
    expect(line).toContain('-device virtio-scsi-pci -device scsi-hd,drive=disk');
    expect(line).not.toContain('nvme');
  });

  it.each(['nvme', 'virtio-scsi'] as const)(
    'tells the firmware to start from an %s disk only',
    (controller) => {
      const words = qemuCommand({ ...VM, disk: { ...VM.disk, controller } });
      expect(words.filter((word) => word.includes('bootindex'))).toEqual([
        expect.stringMatching(/drive=disk.*,bootindex=0$/),
      ]);
    },
  );

  it('does not let the firmware of arm64 wait for a key', () => {
    expect(qemuCommand(VM).join(' ')).toContain('-boot menu=on,splash-time=1');
    expect(qemuCommand({ ...VM, arch: 'x86_64' })).not.toContain('-boot');
  });

  it('starts the firmware alone without a disk', () => {
    const { disk: _, ...firmware } = VM;
    expect(qemuCommand(firmware).join(' ')).not.toContain('disk');
  });

  it('disables the HPET of x86_64, which stalls emulated processors', () => {
    expect(qemuCommand({ ...VM, arch: 'x86_64' })).toContain('q35,hpet=off');
  });

  it('passes credentials in base64, because QEMU splits values at commas', () => {
    const words = qemuCommand(VM);
    const value = Buffer.from('a value, with commas').toString('base64');
    expect(words).toContain(`type=11,value=io.systemd.credential.binary:name=${value}`);
  });
});

describe('the router', () => {
  it('always has the metadata address, so that a machine never reaches that of the host', () => {
    expect(tapCommands().map((words) => words.join(' '))).toContain(
      `ip address add ${METADATA4}/32 dev ${TAP}`,
    );
  });

  it('translates the public address to the private one and back', () => {
    const rules = natRules(MACHINE.public4);
    expect(rules).toContain(`ip daddr ${MACHINE.public4} dnat to ${MACHINE.private4}`);
    expect(rules).toContain(`ip saddr ${MACHINE.private4} snat to ${MACHINE.public4}`);
  });

  it('translates nothing for a machine without a public address', () => {
    expect(natRules(undefined)).not.toMatch(/[ds]nat to/);
  });

  it('lets clients reach the machine only at its public address', () => {
    expect(natRules(MACHINE.public4)).toMatch(
      /ct status dnat accept[\s\S]*established,related accept[\s\S]*oifname "machine" drop/,
    );
  });

  it('lets answers of the metadata service go one hop, as EC2 does by default', () => {
    expect(natRules(MACHINE.public4)).toContain(`ip saddr ${METADATA4} ip ttl set 1`);
    expect(natRules(undefined)).toContain(`ip6 saddr ${METADATA6} ip6 hoplimit set 1`);
  });

  it('gives a machine with IPv6 only neither an IPv4 address nor the name of a service that has one', () => {
    const line = dnsmasqArgs(['ssm.eu-west-1.amazonaws.com'], true).join(' ');
    expect(line).not.toContain(MACHINE.private4);
    expect(line).not.toContain(SERVICES4);
    expect(line).toContain(`--dhcp-range=${MACHINE.ipv6},${MACHINE.ipv6},64`);
    expect(line).toContain(`--address=/ssm.eu-west-1.amazonaws.com/${SERVICES6}`);
  });

  it('has the metadata address of IPv6 for such a machine only, because no relay may reach it', () => {
    const words = (ipv6Only: boolean) => tapCommands(ipv6Only).map((command) => command.join(' '));
    const command = `ip address add ${METADATA6}/128 dev ${TAP} nodad`;
    expect(words(true)).toContain(command);
    expect(words(false)).not.toContain(command);
  });

  it('gives the machine one address of each family, and names of the services that it needs', () => {
    const line = dnsmasqArgs(['ssm.eu-west-1.amazonaws.com']).join(' ');
    expect(line).toContain(`--dhcp-host=${MACHINE.mac},${MACHINE.private4}`);
    expect(line).toContain(`--dhcp-range=${MACHINE.ipv6},${MACHINE.ipv6},64`);
    expect(line).toContain(`--address=/ssm.eu-west-1.amazonaws.com/${SERVICES4}`);
    expect(line).toContain('--no-resolv');
  });
});

describe('parseSockets', () => {
  const users = 'root:0\nturnserver:100\n';

  it('names the users and lists each socket once', () => {
    const text =
      'udp 0A101FAC:0D96 100\nudp 0A101FAC:0D96 100\ntcp 00000000:0016 0\ntcp6 00000000000000000000000000000000:0016 4711\n';
    expect(parseSockets(text, users)).toEqual([
      { protocol: 'udp', address: '0A101FAC', port: 3478, user: 'turnserver' },
      { protocol: 'tcp', address: '00000000', port: 22, user: 'root' },
      { protocol: 'tcp6', address: '0'.repeat(32), port: 22, user: '4711' },
    ]);
  });

  it('ignores lines that are no sockets', () => {
    expect(parseSockets('awk: not found\n', users)).toEqual([]);
  });
});

describe('restartedUnits', () => {
  it('lists the units that were started again', () => {
    const text =
      'Id=coturn.service\nNRestarts=2\n\nNRestarts=0\nId=ssh.service\n\nNRestarts=1\nId=a=b.service\n';
    expect(restartedUnits(text)).toEqual(['coturn.service 2', 'a=b.service 1']);
  });
});

describe('parseLimits', () => {
  const sysctls = [...LIMITS_COMMAND.matchAll(/sysctl (\S+) /g)].map(([, name]) => `sysctl ${name} 1 2\n`);

  it('reads the limit of open files and settings of the kernel', () => {
    const { openFiles, sysctls: found } = parseLimits(`${sysctls.join('')}open-files 256996\n`);
    expect(openFiles).toBe(256_996);
    expect(Object.keys(found)).toHaveLength(5);
    expect(found['net.ipv4.ip_local_port_range']).toBe('1 2');
  });

  it.each([
    ['without turnserver', `${sysctls.join('')}awk: cannot open /proc/0/limits\n`],
    ['without a setting', `${sysctls.slice(1).join('')}open-files 256996\n`],
    ['with an unlimited number', `${sysctls.join('')}open-files unlimited\n`],
  ])('refuses output %s', (_what, text) => {
    expect(() => parseLimits(text)).toThrow('the limits are unknown');
  });
});

describe('parseLogins', () => {
  it('reads accounts, files with keys and the configuration of sshd', () => {
    const sshd = 'sshd port 22\nsshd passwordauthentication no\nsshd authorizedkeysfile a b\nsshd banner \n';
    const text = `password root\nkeys /run/keys\nkeys /run/keys\n${sshd}complete\n`;
    expect(parseLogins(text)).toEqual({
      passwords: ['root'],
      keyFiles: ['/run/keys'],
      sshd: { port: '22', passwordauthentication: 'no', authorizedkeysfile: 'a b', banner: '' },
    });
    expect(parseLogins('complete\n')).toEqual({ passwords: [], keyFiles: [] });
  });

  it.each(['', 'sh: 1: Syntax error\n', 'password root\n', 'incomplete\n'])('refuses %j', (text) => {
    expect(() => parseLogins(text)).toThrow('the ways to log in are unknown');
  });
});

describe('parseSizes', () => {
  it('reads what df prints', () => {
    expect(parseSizes('  3085914112 214228992\n')).toEqual([3_085_914_112, 214_228_992]);
  });

  it.each(['', 'df: /: Input/output error\n', '0 0\n', '3085914112\n', '3085914112 - 5%\n', '1e9 1\n'])(
    'refuses %j, which would pass every limit',
    (text) => {
      expect(() => parseSizes(text)).toThrow('the size of the file system is unknown');
    },
  );
});
