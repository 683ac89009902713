import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { aptError } from '../../../src/doctor/apt-errors.ts';
import {
  type AptSources,
  aptFiles,
  blockedError,
  downloadsCommand,
  installCommand,
  installWays,
  judgeWay,
  simulateCommand,
} from '../../../src/doctor/apt-install.ts';

const captured = (name: string) =>
  readFileSync(new URL(`../../fixtures/apt-simulations/${name}.txt`, import.meta.url), 'utf8');

const debian12: AptSources = {
  mirror: 'http://mirror.test/debian',
  suites: new Set(['bookworm', 'bookworm-security']),
};
const withTrixie: AptSources = { ...debian12, suites: new Set([...debian12.suites, 'trixie']) };
const PACKAGES = ['docker.io', 'docker-cli', 'mmdebstrap'];
const clean = { code: 0, stdout: captured('docker-from-trixie'), stderr: '' };
const failed = (stderr: string) => ({ code: 100, stdout: '', stderr });

describe('installWays', () => {
  it("tries the machine's own release first, then only Docker from Debian 13", () => {
    expect(installWays(PACKAGES, debian12).map(({ words }) => words)).toEqual([
      PACKAGES,
      ['docker.io/trixie', 'docker-cli/trixie', 'mmdebstrap'],
    ]);
  });

  it('takes only Docker from Debian 13', () => {
    expect(installWays(['mmdebstrap', 'gcc', 'runc'], debian12)).toHaveLength(1);
  });

  it('uses Debian 13 only with a known mirror or an existing source', () => {
    expect(installWays(PACKAGES, { ...debian12, mirror: undefined })).toHaveLength(1);
    expect(installWays(PACKAGES, { ...withTrixie, mirror: undefined })).toHaveLength(2);
  });
});

describe('the private configuration', () => {
  it('adds Debian 13 with a low priority, outside /etc', () => {
    const files = aptFiles(debian12);
    expect(files['sources.list.d/turnbuild-docker.sources']).toMatch(
      /^Types: deb\nURIs: http:\/\/mirror\.test\/debian\nSuites: trixie\n/,
    );
    expect(files['preferences.d/turnbuild-docker']).toMatch(/n=trixie\nPin-Priority: 100/);
    expect(files['apt.conf']).not.toMatch(/\/etc\//);
  });

  it("leaves the user's own source of Debian 13 and its priority alone", () => {
    expect(Object.keys(aptFiles(withTrixie))).toEqual(['apt.conf']);
    expect(Object.keys(aptFiles({ ...debian12, mirror: undefined }))).toEqual(['apt.conf']);
  });
});

describe('commands', () => {
  const [, way] = installWays(PACKAGES, debian12);
  if (way === undefined) throw new Error('no way');

  it('simulate with exactly the arguments of the installation', () => {
    const { args } = installCommand(way);
    expect(simulateCommand(way).args.filter((word) => word !== '-s')).toEqual(args);
    expect(downloadsCommand(way).args.filter((word) => word !== '--print-uris')).toEqual(args);
    expect(simulateCommand(way).effect).toBe('read');
  });

  it('never remove packages, replace configuration files, prompt or restart services', () => {
    const { args, env } = installCommand(way);
    expect(args).toEqual(expect.arrayContaining(['--no-remove', 'Dpkg::Options::=--force-confold']));
    expect(args.join(' ')).not.toMatch(/ -t | --allow-| upgrade|--force-yes/);
    expect(env).toMatchObject({ LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1' });
  });
});

describe('judgeWay', () => {
  const [own, newer] = installWays(PACKAGES, debian12);
  if (own === undefined || newer === undefined) throw new Error('no ways');

  it('accepts a way that only adds packages', () => expect(judgeWay(newer, clean).reasons).toEqual([]));

  it('refuses a way that upgrades a package', () => {
    const judged = judgeWay(newer, { ...clean, stdout: captured('upgrades') });
    expect(judged.reasons).toContain('would upgrade libc6 2.36-9+deb12u14 -> 2.41-12+deb13u5');
  });

  it('refuses a Docker version that is too old', () => {
    const stdout = clean.stdout.replaceAll('26.1.5', '20.10.24');
    expect(judgeWay(own, { ...clean, stdout }).reasons).toEqual([
      expect.stringMatching(/docker\.io is 20\.10\.24.*23\.0 or newer/),
    ]);
  });

  it.each([
    ['docker-own-release', /^docker-cli : Breaks: docker\.io \(< 26/],
    ['newer-libc', /^libc-bin : Depends: libc6 \(< 2\.37\) but 2\.41-12\+deb13u5 is to be installed$/],
  ])('reports why apt has no solution: %s', (name, reason) => {
    const [first] = judgeWay(own, { code: 100, stdout: captured(name), stderr: '' }).reasons;
    expect(first).toMatch(reason);
  });

  it('lists the conflicts of each way, and what the user can do', () => {
    const judged = [
      judgeWay(own, failed('E: Unable to locate package docker-cli')),
      judgeWay(newer, { ...clean, stdout: captured('upgrades') }),
    ];
    const error = blockedError(judged, '');
    expect(error.code).toBe('APT_CONFLICT');
    expect(error.message).toMatch(/^Nothing was changed/);
    expect(error.message).toMatch(/own release: Unable to locate package docker-cli\n/);
    expect(error.message).toMatch(/Debian 13 \(trixie\): .*would upgrade libc6 2\.36-9\S+ -> 2\.41-12/);
    expect(error.hint).toMatch(/apt-get upgrade.*another source.*Debian 13.*--builder/);
    expect(blockedError([judgeWay({ title: 'x', words: ['rpm'] }, clean)], '').hint).not.toMatch(/Docker/);
  });

  it('distinguishes unreachable archives from missing packages', () => {
    const absent = [
      judgeWay(
        own,
        failed("E: Unable to locate package docker.io\nE: Couldn't find any package by glob 'docker.io'"),
      ),
      judgeWay(newer, failed("E: Release 'trixie' for 'docker.io' was not found")),
    ];
    const update = 'W: Failed to fetch http://mirror.test/debian/dists/bookworm/InRelease  Could not connect';
    expect(blockedError(absent, update)).toMatchObject({ code: 'APT_UNREACHABLE' });
    expect(blockedError(absent, update).message).toMatch(/Failed to fetch/);
    expect(blockedError(absent, 'Hit:1 http://mirror.test/debian')).toMatchObject({
      code: 'APT_PACKAGE_MISSING',
      message: expect.stringMatching(/docker\.io/),
    });
  });

  it('reports an earlier installation that is unfinished', () => {
    const text =
      "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution).";
    expect(blockedError([judgeWay(own, failed(text))], '')).toMatchObject({ code: 'APT_BROKEN' });
  });
});

describe('aptError', () => {
  it.each([
    ['APT_LOCKED', 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 42 (apt-get)'],
    [
      'APT_LOCKED',
      'E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?',
    ],
    [
      'APT_BROKEN',
      "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.",
    ],
    ['DISK_FULL', "E: You don't have enough free space in /var/cache/apt/archives/."],
    ['DISK_FULL', 'dpkg: error processing archive x.deb (--unpack): cannot copy: No space left on device'],
    [
      'APT_UNREACHABLE',
      'E: Failed to fetch http://mirror.test/x.deb  404  Not Found\nE: Unable to fetch some archives',
    ],
    ['APT_UNTRUSTED', "E: The repository 'http://mirror.test trixie InRelease' is not signed."],
    ['APT_REFUSED', 'E: Could not open lock file /var/lib/dpkg/lock (13: Permission denied)'],
    ['APT_FAILED', 'E: Sub-process /usr/bin/dpkg returned an error code (1)'],
  ])('%s: %s', (code, text) => {
    const error = aptError(`Reading package lists...\n${text}\n`, 'apt-get install x', 'state of packages');
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/./) });
    expect(error.message).toContain(text.split('\n')[0]);
    expect(error.message).not.toMatch(/Reading package lists/);
    expect(error.message).toMatch(/state of packages$/);
  });
});
