import { describe, expect, it } from 'vitest';
import { differences } from '../../../scripts/compare/verification.js';

const files = (more: Record<string, string> = {}) =>
  new Map(
    Object.entries({
      'facts.txt': 'address\t172.17.0.2\ninstall.exit\t0\nseconds.install\t101\nlong-term.tls.attempts\t3\n',
      'purge.changes.txt': 'added\t/var/log/x\t\tf 644\n',
      'installed.packages': 'adduser\ncoturn\n',
      'install.log':
        'Get:1 http://archive/ a [1 kB]\nFetched 5274 kB in 0s (12.7 MB/s)\n' +
        '(Reading database ... \r(Reading database ... 5%\r(Reading database ... 100%\r(Reading database ... 4950 files and directories currently installed.)\n' +
        'Setting up coturn (4.6.1) ...\n',
      'upgrade.log':
        'floor   847 kB/s |  84 kB     00:00\nLast metadata expiration check: 0:02:10 ago on Thu Nov 26 02:52:21 2026.\n' +
        'Upgraded:\n  coturn-4.6.1\n',
      'truncated.log': 'coturn does not verify: Payload SHA256 ALT digest: BAD (Expected b100 != de8a)\n',
      'long-term.udp.log': '0: tot_send_msgs=50\n',
      ...more,
    }),
  );

describe('the comparison of two verifications', () => {
  it('ignores times, addresses, attempts and progress', () => {
    const again = files({
      'facts.txt': 'address\t172.17.0.3\ninstall.exit\t0\nseconds.install\t4\nlong-term.tls.attempts\t1\n',
      'install.log':
        'Get:1 http://archive/ b [2 kB]\nFetched 5274 kB in 1s (5.2 MB/s)\n' +
        '(Reading database ... \r(Reading database ... 60%\r(Reading database ... 4950 files and directories currently installed.)\n' +
        'Setting up coturn (4.6.1) ...\n',
      'upgrade.log':
        'floor   6.1 MB/s |  84 kB     00:00\nLast metadata expiration check: 0:00:32 ago on Thu Nov 26 03:14:41 2026.\n' +
        'Upgraded:\n  coturn-4.6.1\n',
      'truncated.log': 'coturn does not verify: Payload SHA256 ALT digest: BAD (Expected ba10 != 0d9c)\n',
      'long-term.udp.log': '1: tot_send_msgs=50\n',
    });
    expect(differences(files(), again)).toEqual([]);
  });

  it('considers only the last attempt of a client', () => {
    const exits = (...codes: number[]) =>
      files({ 'facts.txt': codes.map((code) => `long-term.tls.exit\t${code}\n`).join('') });
    expect(differences(exits(0), exits(255, 0))).toEqual([]);
    expect(differences(exits(0), exits(0, 255))).toHaveLength(2);
  });

  it('ignores the order in which parallel programs report facts', () => {
    const told = (...lines: string[]) => files({ 'facts.txt': `${lines.join('\n')}\n` });
    const [anonymous, stranger] = ['anonymous.exit\t255', 'stranger.exit\t255'];
    expect(differences(told(anonymous, stranger), told(stranger, anonymous))).toEqual([]);
    expect(differences(told(anonymous, stranger), told(anonymous))).toHaveLength(1);
  });

  it('ignores digests of logs and caches that contain times, and no others', () => {
    const added = (path: string, digest: string) => ({
      'purge.changes.txt': `added\t${path}\t\tf 644 0:0 ${digest.repeat(64)}\n`,
    });
    for (const path of ['/var/log/dpkg.log', '/var/log/dnf.rpm.log', '/var/cache/ldconfig/aux-cache'])
      expect(differences(files(added(path, 'a')), files(added(path, 'b')))).toEqual([]);
    expect(
      differences(files(added('/var/log/turn.log', 'a')), files(added('/var/log/turn.log', 'b'))),
    ).toHaveLength(2);
    expect(
      differences(files(added('/var/log/dpkg.log', 'a')), files({ 'purge.changes.txt': '' })),
    ).toHaveLength(1);
  });

  it.each<[string, Record<string, string>, string[]]>([
    [
      'a fact',
      { 'facts.txt': 'install.exit\t1\n' },
      ['facts.txt: - install.exit\t0', 'facts.txt: + install.exit\t1'],
    ],
    ['a leftover file', { 'purge.changes.txt': '' }, ['purge.changes.txt: - added\t/var/log/x\t\tf 644']],
    ['a package', { 'installed.packages': 'adduser\ncoturn\nsqlite3\n' }, ['installed.packages: + sqlite3']],
    [
      'the order of lines',
      { 'installed.packages': 'coturn\nadduser\n' },
      ['installed.packages: same lines in a different order'],
    ],
    ['the set of logs', { 'remove.log': 'Removing coturn ...\n' }, ['remove.log: only in the second folder']],
    [
      'the number of files that dpkg knows',
      {
        'install.log':
          '(Reading database ... 60%\r(Reading database ... 4951 files and directories currently installed.)\nSetting up coturn (4.6.1) ...\n',
      },
      [
        'install.log: - (Reading database ... 4950 files and directories currently installed.)',
        'install.log: + (Reading database ... 4951 files and directories currently installed.)',
      ],
    ],
  ])('reports a difference in %s', (_, more, expected) =>
    expect(differences(files(), files(more))).toEqual(expected),
  );

  it('refuses a folder without facts.txt', () =>
    expect(() => differences(new Map(), new Map())).toThrow('neither folder has a facts.txt'));
});
