import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { packageFacts } from '../../support/package-facts.ts';
import { CHECKS, failures, PLANTED } from '../../support/planted/lifecycle.ts';
import { goodFacts, withFile, withValue } from '../../support/verified-facts.ts';

describe('lifecycle checks', () => {
  it('pass on what was seen', () => expect(failures(goodFacts())).toEqual([]));

  it.each(PLANTED)('%s is found', (_, plant, ids, message) => {
    const found = failures(plant());
    expect(found.map((result) => result.id)).toEqual(ids);
    expect(found[0]?.message).toMatch(message);
  });

  const digest = 'ab'.repeat(32);
  it.each([
    ['a backup of accounts', `added\t/etc/subuid-\t\tf 600 0:0 ${digest}`],
    ["debconf's records", `changed\t/var/cache/debconf/config.dat\tf 644 0:0 0\tf 644 0:0 ${digest}`],
    ["apt's log", `changed\t/var/log/apt/term.log\tf 640 0:4 0\tf 640 0:4 ${digest}`],
    ["apt's index", `changed\t/var/cache/apt/pkgcache.bin\tf 644 0:0 0\tf 644 0:0 ${digest}`],
    ['a cache of known libraries', `changed\t/etc/ld.so.cache\tf 644 0:0 0\tf 644 0:0 ${digest}\tknown`],
  ])('%s is not of the package', (_, line) => {
    const facts = withFile('purge.changes.txt', (text) => `${text}${line}\n`);
    expect(failures(facts)).toEqual([]);
  });

  it('an account that purge has removed is no fault', () =>
    expect(failures(withFile('purge.accounts.txt', () => ''))).toEqual([]));

  it('say how many paths were compared, and how many differ because of others', () => {
    const purge = judgeAll(CHECKS, goodFacts()).find(({ id }) => id === 'install.purge');
    expect(purge?.figures).toEqual({ paths: 6033 + 6079, ofOthers: 23 });
  });

  it('take a comparison of a thousand paths for one', () =>
    expect(failures(withValue('purge.compared', '1000'))).toEqual([]));

  it('nothing gathered passes nothing', () => {
    expect(failures(packageFacts()).map((result) => result.id)).toEqual(CHECKS.map((check) => check.id));
  });

  it('each check is failed by a planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , ids]) => ids));
    expect(CHECKS.map((check) => check.id).filter((id) => !planted.has(id))).toEqual([]);
  });
});

describe('a package that cannot be installed', () => {
  const facts = (log: string) => ({
    ...withValue('install.exit', '100'),
    files: new Map([...goodFacts().files, ['install.log', log]]),
  });
  const unmet = ' coturn : Depends: no-such-package but it is not installable\nE: Unable to correct problems';

  it('fails one check, with the reason, and blocks whatever would have been done with it', () => {
    const results = judgeAll(CHECKS, facts(unmet));
    const [clean, ...others] = results;
    expect(clean).toMatchObject({
      id: 'install.clean',
      status: 'failed',
      cause: 'the package cannot be installed: coturn : Depends: no-such-package but it is not installable',
    });
    expect(others.map(({ status, blockedBy }) => `${status} by ${blockedBy}`)).toEqual(
      others.map(() => 'blocked by install.clean'),
    );
  });

  it.each([
    [
      'Errors:\ndpkg: error processing archive x (--unpack):\n new coturn package pre-installation script subprocess returned error exit status 1\nE: Sub-process',
      /^new coturn package pre-inst/,
    ],
    [
      'Error: \n Problem: conflicting requests\n  - nothing provides libssl.so.3()(64bit) needed by coturn',
      /^- nothing provides libssl/,
    ],
    ['E: Unsupported file /inputs/coturn.deb given on commandline', /^E: Unsupported file/],
    ['Killed', /^Killed$/],
    ['', /the package manager printed nothing/],
  ])('says why: %s', (log, why) => {
    const [{ cause = '' } = {}] = judgeAll(CHECKS, facts(log));
    expect(cause.replace('the package cannot be installed: ', '')).toMatch(why);
  });
});
