import { describe, expect, it } from 'vitest';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { lifecycleChecks } from '../../../src/checks/lifecycle-checks.ts';
import { rpmChecks } from '../../../src/checks/rpm-checks.ts';
import { tarballChecks } from '../../../src/checks/tarball-checks.ts';
import { advisory, packageFacts } from '../../support/package-facts.ts';
import { target } from '../../support/plan-facts.ts';
import { CHECKS, failures, PLANTED } from '../../support/planted/rpm.ts';
import { portableFacts } from '../../support/verified-portable.ts';

describe('checks of an .rpm and the tarball', () => {
  it('pass on the recorded facts', () => expect(failures(portableFacts())).toEqual([]));

  it.each(PLANTED)('detect a planted fault: %s', (_, plant, ids, message) => {
    const found = failures(plant());
    expect(found.map((result) => result.id)).toEqual(ids);
    expect(found[0]?.message).toMatch(message);
  });

  const digest = 'ab'.repeat(32);
  it.each([
    ["rpm's lock file", `added\t/var/lib/rpm/.rpm.lock\t\tf 644 0:0 ${digest}`],
    [
      'the write-ahead log of a closed database',
      `removed\t/var/lib/dnf/history.sqlite-wal\tf 644 0:0 ${digest}\t`,
    ],
    ['expired metadata', `removed\t/var/cache/dnf/x-0/repodata/x.xml.gz\tf 644 0:0 ${digest}\t`],
    [
      'an alternative that a dependency installs',
      'added\t/etc/alternatives/x\t\tl 777 0:0 /usr/bin/x\tknown',
    ],
    ['the link to that alternative', 'added\t/usr/bin/x\t\tl 777 0:0 /etc/alternatives/x\tknown'],
  ])('ignore %s', (_, line) => {
    const files = new Map(portableFacts().files);
    files.set('purge.changes.txt', `${files.get('purge.changes.txt')}${line}\n`);
    expect(failures({ ...portableFacts(), files })).toEqual([]);
  });

  it('record the number of compared paths, and of those that others changed', () => {
    const purge = judgeAll(CHECKS, portableFacts()).find(({ id }) => id === 'install.purge');
    expect(purge?.figures).toEqual({ paths: 2 * 6279, ofOthers: 39 });
  });

  it('allow the signal to kill a tarball whose version has no handler', () => {
    const values = new Map([...portableFacts().values, ['tarball.stop', '143']]);
    expect(failures({ ...portableFacts(), values, handlesStop: false })).toEqual([]);
  });

  it('all fail without results', () => {
    const nothing = packageFacts({ target: target('portable') });
    expect(failures(nothing).map((result) => result.id)).toEqual(CHECKS.map((check) => check.id));
  });

  it('each fail on at least one planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , ids]) => ids));
    expect(CHECKS.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });

  it('have the same unique ids as those of a .deb, except install.links', () => {
    const ids = (facts: PackageFacts) =>
      judgeAll([...lifecycleChecks, ...rpmChecks], facts).map(({ id }) => id);
    const [deb, rpm] = [ids(packageFacts()), ids(portableFacts())];
    expect(new Set(deb).size).toBe(deb.length);
    expect(new Set(rpm).size).toBe(rpm.length);
    // An .rpm creates no database, so root writes nothing in the server's folder.
    expect(deb).toContain('install.links');
    expect(rpm).not.toContain('install.links');
    for (const id of deb.filter((each) => each !== 'install.links')) expect(rpm).toContain(id);
  });
});

describe('a log file in the working directory', () => {
  const result = (changed: string, metrics = '0') =>
    judgeAll(tarballChecks, {
      ...portableFacts(),
      values: new Map([
        ...portableFacts().values,
        ['tarball.changed', changed],
        ['tarball.metrics.exit', metrics],
      ]),
      advisories: [advisory('coturn-1441')],
    }).find(({ id }) => id === 'tarball.runs');

  it('is attributed to coturn-1441, unless something else changed or failed', () => {
    expect(result('./turn_74_2026-11-26.log')).toMatchObject({
      status: 'failed',
      advisories: ['coturn-1441'],
    });
    for (const other of ['./etc/turnserver.conf', './turn_74_2026-11-26.log ./bin/turnserver'])
      expect(result(other)?.advisories, other).toBeUndefined();
    // It does not excuse other faults.
    expect(result('./turn_74_2026-11-26.log', '1')?.advisories).toBeUndefined();
  });
});
