import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { packageFacts } from '../../support/package-facts.ts';
import { CHECKS, failures, PLANTED } from '../../support/planted/lifecycle.ts';
import { goodFacts, withFile, withValue } from '../../support/verified-facts.ts';

describe('lifecycle checks', () => {
  it('pass on the recorded facts', () => expect(failures(goodFacts())).toEqual([]));

  it.each(PLANTED)('detect a planted fault: %s', (_, plant, ids, message) => {
    const found = failures(plant());
    expect(found.map((result) => result.id)).toEqual(ids);
    expect(found[0]?.message).toMatch(message);
  });

  const digest = 'ab'.repeat(32);
  it.each([
    ['a backup of an account file', `added\t/etc/subuid-\t\tf 600 0:0 ${digest}`],
    ["debconf's database", `changed\t/var/cache/debconf/config.dat\tf 644 0:0 0\tf 644 0:0 ${digest}`],
    ["apt's log", `changed\t/var/log/apt/term.log\tf 640 0:4 0\tf 640 0:4 ${digest}`],
    ["apt's index", `changed\t/var/cache/apt/pkgcache.bin\tf 644 0:0 0\tf 644 0:0 ${digest}`],
    [
      'the library cache, if its contents are known',
      `changed\t/etc/ld.so.cache\tf 644 0:0 0\tf 644 0:0 ${digest}\tknown`,
    ],
  ])('ignore %s', (_, line) => {
    const facts = withFile('purge.changes.txt', (text) => `${text}${line}\n`);
    expect(failures(facts)).toEqual([]);
  });

  it('accept a purge that removes the account', () =>
    expect(failures(withFile('purge.accounts.txt', () => ''))).toEqual([]));

  it('record the number of compared paths, and of those that others changed', () => {
    const purge = judgeAll(CHECKS, goodFacts()).find(({ id }) => id === 'install.purge');
    expect(purge?.figures).toEqual({ paths: 6033 + 6079, ofOthers: 23 });
  });

  it('accept a comparison of 1,000 paths', () =>
    expect(failures(withValue('purge.compared', '1000'))).toEqual([]));

  it('all fail without results', () => {
    expect(failures(packageFacts()).map((result) => result.id)).toEqual(CHECKS.map((check) => check.id));
  });

  it('each fail on at least one planted fault', () => {
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

  it('fails install.clean with the reason, and blocks all other checks', () => {
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
  ])('gets its cause from the log: %s', (log, why) => {
    const [{ cause = '' } = {}] = judgeAll(CHECKS, facts(log));
    expect(cause.replace('the package cannot be installed: ', '')).toMatch(why);
  });
});
