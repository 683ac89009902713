import { describe, expect, it } from 'vitest';
import {
  isReachable,
  repositoryAddresses,
  sourcesList,
  suitesOf,
  unknownMirrors,
} from '../../../src/plan/archives.ts';
import type { Sysroot } from '../../../src/recipe/schema.ts';
import { mirrorOption, requireKnownMirrors } from '../../../src/run/options.ts';
import { target, withoutAddresses } from '../../support/plan-facts.ts';

const ubuntu = target('ubuntu-24.04');
const named = (...words: string[]) => ({ named: mirrorOption(words).named });

describe('sourcesList', () => {
  it("lists Debian's release, updates and security suites", () => {
    const mirrors = { debian: 'http://a', security: 'http://b' };
    expect(sourcesList({ suite: 'trixie' }, mirrors)).toEqual([
      'deb http://a trixie main',
      'deb http://a trixie-updates main',
      'deb http://b trixie-security main',
    ]);
    expect(sourcesList({ suite: 'trixie' }, { debian: 'http://a' })).toHaveLength(2);
  });

  it('omits archives without a mirror, and architectures without one', () => {
    const mirrors = { debian: 'http://a', ...named('ubuntu/arm64=https://ports') };
    expect(sourcesList({ suite: 'trixie' }, named('ubuntu=http://a'))).toEqual([]);
    expect(sourcesList(ubuntu, { debian: 'http://a' })).toEqual([]);
    expect(sourcesList(ubuntu, mirrors)).toEqual(
      ['noble', 'noble-updates', 'noble-security'].map(
        (suite) => `deb [arch=arm64] https://ports ${suite} main universe`,
      ),
    );
  });

  it('lists the suites and components of the recipe', () => {
    expect(sourcesList(ubuntu, named('ubuntu=https://a/ubuntu/'))).toEqual([
      'deb https://a/ubuntu noble main universe',
      'deb https://a/ubuntu noble-updates main universe',
      'deb https://a/ubuntu noble-security main universe',
    ]);
  });

  it('limits each of two mirrors to its own architecture', () => {
    const lines = sourcesList(ubuntu, named('ubuntu=https://a', 'ubuntu/arm64=https://ports'));
    expect(lines).toHaveLength(6);
    expect(lines).toContain('deb [arch=arm64] https://ports noble main universe');
    expect(lines).toContain('deb [arch=amd64] https://a noble-security main universe');
  });
});

describe('suitesOf and isReachable', () => {
  it('ignore an archive without a mirror', () => {
    const mirrors = { debian: 'http://a' };
    expect(suitesOf(ubuntu, mirrors)).toEqual([]);
    expect(suitesOf({ suite: 'trixie' }, mirrors).map(({ suite }) => suite)).toEqual([
      'trixie',
      'trixie-updates',
    ]);
    expect(isReachable(ubuntu, 'x86_64', mirrors)).toBe(false);
    expect(isReachable({ suite: 'trixie' }, 'x86_64', mirrors)).toBe(true);
    expect(isReachable({ suite: 'trixie' }, 'x86_64', named('ubuntu=http://a'))).toBe(false);
  });

  it('treat architectures separately', () => {
    const mirrors = named('ubuntu/arm64=http://ports');
    expect(isReachable(ubuntu, 'arm64', mirrors)).toBe(true);
    expect(isReachable(ubuntu, 'x86_64', mirrors)).toBe(false);
    expect(suitesOf(ubuntu, mirrors)).toHaveLength(3);
  });
});

describe('repositories of a sysroot', () => {
  const el9 = withoutAddresses('el9');
  const sysroot = el9.sysroot as Sysroot;
  const both = named('el9=https://a/9', 'epel9=https://b/epel', 'el9/arm64=https://c/9');

  it("are below their mirror, with rpm's name for the architecture", () => {
    expect(repositoryAddresses(sysroot, 'x86_64', both)).toEqual([
      'https://a/9/BaseOS/x86_64/os',
      'https://a/9/AppStream/x86_64/os',
      'https://a/9/CRB/x86_64/os',
      'https://b/epel/Everything/x86_64',
    ]);
    expect(repositoryAddresses(sysroot, 'arm64', both)[0]).toBe('https://c/9/BaseOS/aarch64/os');
  });

  it("default to the distribution's own addresses", () => {
    const own = target('el9').sysroot as Sysroot;
    const addresses = repositoryAddresses(own, 'arm64', named('epel9=https://b/epel'));
    expect(addresses[1]).toBe('https://repo.almalinux.org/almalinux/9/AppStream/aarch64/os');
    expect(addresses[3]).toBe('https://b/epel/Everything/aarch64');
    expect(repositoryAddresses(own, 'x86_64', {})[3]).toBe(
      'https://dl.fedoraproject.org/pub/epel/9/Everything/x86_64',
    );
    expect(unknownMirrors(target('el9'), 'arm64', {})).toEqual(['debian']);
  });

  it('are named in the error if they have no address', () => {
    const hint = /--mirror epel9=URL, the addresses that contain Everything.\{arch\} \(epel9\)\./;
    const error = { code: 'MIRROR_UNKNOWN', hint: expect.stringMatching(hint) };
    expect(() => repositoryAddresses(sysroot, 'arm64', named('el9=https://a'))).toThrow(
      expect.objectContaining(error),
    );
    expect(() => repositoryAddresses(sysroot, 'arm64', {})).toThrow(/"el9" and "epel9"/);
    const mirrors = { debian: 'http://debian', ...named('el9=https://a') };
    expect(unknownMirrors(el9, 'arm64', mirrors)).toEqual(['epel9']);
    expect(unknownMirrors(el9, 'arm64', {})).toEqual(['debian', 'el9', 'epel9']);
    expect(unknownMirrors(ubuntu, 'arm64', {})).toEqual(['ubuntu']);
    expect(unknownMirrors(target('portable'), 'arm64', mirrors)).toEqual([]);
  });
});

describe('--mirror', () => {
  it('applies to Debian without a name', () => {
    expect(mirrorOption(['https://a/debian/'])).toEqual({ debian: 'https://a/debian', named: {} });
    expect(mirrorOption(['debian=https://a', 'ubuntu=http://b'])).toEqual({
      debian: 'https://a',
      named: { ubuntu: 'http://b' },
    });
  });

  it.each(['ftp://a', 'ubuntu=', 'ubuntu=/srv', 'ubuntu/armhf=https://a', 'Ubuntu=https://a', 'https://a b'])(
    'refuses %s',
    (word) => expect(() => mirrorOption([word])).toThrow(/^Invalid --mirror .*: expected URL or NAME=URL$/),
  );

  it.each(['https://a/?x=s3cret', 'ubuntu=https://a#s3cret'])(
    'refuses %s, because paths are appended to it',
    (word) =>
      expect(() => mirrorOption([word])).toThrow(
        /^Invalid --mirror "https:\/\/a\/(\?REDACTED)?": the URL must not have a query or fragment$/,
      ),
  );

  it.each(['ftp://me:s3cret@a', 'ubuntu=ftp://me:s3cret@a', 'https://me:s3cret@'])(
    'does not show the password of %s',
    (word) => expect(() => mirrorOption([word])).toThrow(/^(?!.*s3cret)/),
  );

  it('must name an archive that a recipe uses', () => {
    const targets = [ubuntu, target('el9')];
    requireKnownMirrors(
      { ubuntu: 'x', 'ubuntu/arm64': 'x', epel9: 'x', el9: 'x', 'debian/arm64': 'x' },
      targets,
    );
    expect(() => requireKnownMirrors({ ubunto: 'x' }, targets)).toThrow(
      'Unknown archive "ubunto" in --mirror: no recipe uses it',
    );
    expect(() => requireKnownMirrors({ 'rhel/arm64': 'x' }, targets)).toThrow('"rhel/arm64"');
  });
});
