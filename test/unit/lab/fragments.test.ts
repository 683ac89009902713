import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { installedComplaints } from '../../../src/checks/unit-fragments.ts';
import { unitFragments } from '../../../src/lab/fragments.ts';
import { temporaryFolder } from '../../support/sandbox.ts';

const OWN = '/usr/lib/systemd/system/coturn.service';
let root: string;
const place = (path: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  return join(root, path);
};
const write = (path: string) => writeFileSync(place(path), '');
const link = (path: string, target: string) => symlinkSync(target, place(path));
const fragments = () => unitFragments('coturn.service', root);

beforeEach(() => {
  root = temporaryFolder();
  write(OWN);
  symlinkSync('usr/lib', join(root, 'lib'));
});

describe('files that define a unit in an installed root', () => {
  it('are only its own, whatever links lead to it and whatever other units have', () => {
    link('/etc/systemd/system/multi-user.target.wants/coturn.service', OWN);
    link('/etc/systemd/system/turn.service', OWN);
    write('/usr/lib/systemd/system/other.service.d/a.conf');
    mkdirSync(join(root, 'etc/systemd/system/coturn.service.d'));
    expect(fragments()).toEqual([OWN]);
    expect(installedComplaints(fragments())).toEqual([]);
  });

  it.each([
    '/etc/systemd/system/coturn.service',
    '/etc/systemd/system/coturn.service.d/a.conf',
    '/etc/systemd/system.control/coturn.service.d/a.conf',
    '/run/systemd/system/service.d/a.conf',
    '/run/systemd/generator/coturn.service.requires/evil.service',
    '/usr/local/lib/systemd/system/coturn.service.d/a.conf',
    '/usr/lib/systemd/system/coturn.service.d/a.conf',
    '/etc/systemd/system-generators/evil',
    '/usr/local/lib/systemd/system.conf.d/a.conf',
  ])('include %s', (path) => {
    write(path);
    expect([...fragments()].sort()).toEqual([path, OWN].sort());
    expect(installedComplaints(fragments())).toEqual([`${path} changes the unit`]);
  });

  it('include drop-ins for an alias', () => {
    link('/etc/systemd/system/turn.service', OWN);
    write('/etc/systemd/system/turn.service.d/a.conf');
    expect(fragments()).toEqual(['/etc/systemd/system/turn.service.d/a.conf', OWN]);
  });

  it.each([
    ['a link in another folder', 'turn.service', 'turn.service.d'],
    ['a name with dashes', 'turn-of-us.service', 'turn-of-.service.d'],
    ['an instance', 'turn@us.service', 'turn@.service.d'],
  ])('include drop-ins for an alias: %s', (_, alias, folder) => {
    link('/etc/systemd/system/between.service', OWN);
    link(`/etc/systemd/system/${alias}`, 'between.service');
    write(`/usr/local/lib/systemd/system/${folder}/a.conf`);
    write('/usr/local/lib/systemd/system/tur-.service.d/a.conf');
    expect(fragments()).toEqual([`/usr/local/lib/systemd/system/${folder}/a.conf`, OWN]);
  });

  it.each(['system.slice.d/a.conf', '-.slice.d/a.conf', 'slice.d/a.conf', 'system.slice', '-.slice'])(
    'include those of its slices: %s',
    (path) => {
      write(`/etc/systemd/system/${path}`);
      write('/usr/lib/systemd/system/user.slice');
      expect(fragments()).toEqual([`/etc/systemd/system/${path}`, OWN]);
    },
  );

  it('are found through links, which never lead out of the root', () => {
    write('/opt/dropins/a.conf');
    link('/etc/systemd/system/coturn.service.d', '/opt/dropins');
    link('/run/systemd/system', '/../../../../etc');
    link('/usr/local/lib/systemd/system/coturn.service.d', '/no/such');
    expect(fragments()).toEqual([
      '/etc/systemd/system/coturn.service.d/a.conf',
      '/usr/local/lib/systemd/system/coturn.service.d',
      OWN,
    ]);
  });

  it("may include Fedora's drop-in for all services", () =>
    expect(installedComplaints([OWN, '/usr/lib/systemd/system/service.d/10-timeout-abort.conf'])).toEqual(
      [],
    ));
});
