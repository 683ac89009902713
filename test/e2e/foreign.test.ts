import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LabFacts } from '../../src/lab/facts.ts';
import { DEBIAN_418, downloadDebian418 } from '../support/debian-coturn.ts';
import { checksOf, fileFolder, JOBS, manifestOf, NATIVE, ROOT, unpassed } from '../support/e2e.ts';
import { plantAttack } from '../support/hostile-package.ts';
import { turnbuild } from '../support/turnbuild.ts';

const dir = fileFolder('foreign');
/** Checks that any good coturn package passes: of its programs, and in the laboratory. */
const GROUPS = ['elf', 'network', 'answers', 'capacity', 'packets'];
/** Checks of its unit. */
const UNIT = ['service.start', 'service.unit', 'service.alone', 'service.metadata'];

/** The folder of an administrator's changes to the unit. */
const DROP_IN = '/etc/systemd/system/coturn.service.d';

/** The lines of a log that the attack wrote. */
const attacks = (log: string) => log.split('\n').filter((line) => line.startsWith('attack: '));

it("verify FILE passes Debian's coturn 4.18.0 except for known deviations, and confines attacks in the package", async ({
  skip,
}) => {
  const reason = await downloadDebian418(dir);
  if (reason !== undefined) {
    console.log(`Debian's coturn 4.18.0-1 is not verified: ${reason}`);
    return skip(reason);
  }
  const deb = join(dir, `${DEBIAN_418}.deb`);
  plantAttack(dir, deb, {
    // Each server runs /usr/share/attack before itself, and the unit runs both scripts as root.
    files: {
      '/usr/share/attack': readFileSync(join(ROOT, 'test/support/attack.sh'), 'utf8'),
      '/usr/share/move-laboratory': readFileSync(join(ROOT, 'test/support/move-laboratory.sh'), 'utf8'),
    },
    unit: (text) =>
      text.replace(
        'User=turnserver',
        'User=root\nExecStartPre=/usr/share/move-laboratory\nExecStartPost=/usr/share/attack',
      ),
    postinst: `mv /usr/bin/turnserver /usr/bin/turnserver.real; cp /usr/share/attack /usr/bin/turnserver
mkdir -p ${DROP_IN}; printf '[Service]\\nUser=root\\n' >${DROP_IN}/override.conf`,
  });
  const args = ['--target', 'debian-13', '--only', [...GROUPS, ...UNIT].join(','), '--out', dir, ...JOBS];
  const run = await turnbuild(['verify', deb, ...args]);
  expect(run.stderr).toMatch(/VERIFY_FAILED/);
  expect(run.code).toBe(1);
  const checks = checksOf(manifestOf(join(dir, 'verified'), DEBIAN_418), `verify:debian-13:${NATIVE}`);
  const tried = new Map(
    [...checks].filter(([id]) => GROUPS.includes(id.split('.')[0] ?? '') || UNIT.includes(id)),
  );
  expect(tried.size).toBeGreaterThan(30);
  expect(unpassed(tried)).toEqual([
    // The package is built without Prometheus, and its configuration has only comments and denies no private peers.
    'elf.prometheus failed',
    'elf.debug-symbols cannot-here',
    'answers.peer failed',
    'packets.sanitizer cannot-here',
    'service.unit failed',
    'service.alone failed',
    // The configuration does not deny the metadata addresses either.
    'service.metadata failed',
  ]);
  expect(tried.get('service.unit')?.message).toBe(`${DROP_IN}/override.conf changes the unit`);
  expect(tried.get('service.alone')?.message).toBe(
    '/usr/bin/turnserver.real runs in the unit; /usr/bin/turnserver.real runs as root',
  );
  const facts = join(dir, 'verified', DEBIAN_418, `work/verify/debian-13-${NATIVE}/lab/lab.json`);
  const { logs, service } = JSON.parse(readFileSync(facts, 'utf8')) as LabFacts;
  expect(attacks(service.log)).toEqual([
    expect.stringMatching(/^attack: uid 0, CapEff: 0*[1-9a-f]/),
    'attack: move_laboratory was refused',
    'attack: append /proc/sys/kernel/core_pattern was refused',
    expect.stringMatching(/^attack: mount_proc/),
    'attack: append /tmp/proc/sys/kernel/core_pattern was refused',
    'attack: change_files was refused',
    'attack: take_over_holder was refused',
  ]);
  // The configuration of a server that starts after the unit is in the right place and in no other file of the container.
  expect(service.reached.length).toBeGreaterThan(0);
  const log = join(dir, 'verified', DEBIAN_418, `work/logs/verify-debian-13-${NATIVE}.log`);
  expect(readFileSync(log, 'utf8')).not.toContain('cert=/turnbuild-laboratory/cert.pem');
  // Only the end of a long log is kept.
  const inServers = Object.values(logs).map(attacks);
  expect(inServers.flat().filter((line) => line.endsWith('succeeded'))).toEqual([]);
  const whole = inServers.filter((lines) => lines.length === 6);
  expect(whole.length).toBeGreaterThan(0);
  for (const lines of whole)
    expect(lines).toEqual([
      expect.stringMatching(/^attack: uid [1-9]\d*, CapEff: 0+, NoNewPrivs: 1$/),
      'attack: append /proc/sys/kernel/core_pattern was refused',
      'attack: mount_proc was refused',
      'attack: append /tmp/proc/sys/kernel/core_pattern was refused',
      'attack: change_files was refused',
      'attack: take_over_holder was refused',
    ]);
});
