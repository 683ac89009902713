import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clientCounts, parseSamples } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { OUR_OVERRIDES, packageChecks } from '../../../src/checks/package-checks.ts';
import { blockedBy, ids } from '../../support/lab-facts.ts';
import { packageFacts } from '../../support/package-facts.ts';
import { target } from '../../support/plan-facts.ts';
import { bad, CHECKS, NEED_SERVER, PLANTED } from '../../support/planted/package.ts';
import { goodFacts } from '../../support/verified-facts.ts';
import { portableFacts } from '../../support/verified-portable.ts';

describe('package and traffic checks', () => {
  it('pass on the recorded facts', () => expect(bad(goodFacts())).toEqual({ failed: [], blocked: [] }));

  it.each(PLANTED)('detect a planted fault: %s', (_, plant, expected, message) => {
    const { failed, blocked } = bad(plant());
    expect(ids(failed)).toEqual(expected);
    expect(failed[0]?.message).toMatch(message);
    expect(blocked).toEqual([]);
  });

  it('fail server.shipped with the cause if no server starts, and block those that need one', () => {
    const values = new Map([...goodFacts().values, ['utilities.ready', 'no'], ['shipped.ready', 'no']]);
    const { failed, blocked } = bad({ ...goodFacts(), values });
    expect(failed.map(({ id, cause }) => [id, cause])).toEqual([
      ['server.shipped', 'turnserver does not start with the shipped configuration'],
    ]);
    expect(failed[0]?.message).toMatch(/^turnserver did not start: /);
    expect(blockedBy(blocked)).toEqual({ 'server.shipped': NEED_SERVER });
    expect(blocked[0]?.message).toMatch(
      /^not run because server\.shipped failed: turnserver did not start: /,
    );
  });

  it('all fail or are blocked without results', () => {
    const { failed, blocked } = bad(packageFacts());
    const all = CHECKS.map((check) => check.id);
    expect(ids(failed)).toEqual(all.filter((id) => !NEED_SERVER.includes(id)));
    expect(blockedBy(blocked)).toEqual({ 'server.shipped': NEED_SERVER });
  });

  it('truncate the message of a lintian run with 100,000 errors', () => {
    const lintian = 'E: coturn: a-tag a-file\n'.repeat(100_000);
    const { failed } = bad({ ...goodFacts(), inspected: { ...goodFacts().inspected, lintian } });
    expect(ids(failed)).toEqual(['package.lintian']);
    expect(failed[0]?.message).toMatch(/^E: coturn: a-tag a-file; .*… \(2489998 more characters\)$/);
  });

  it('each have a unique id, a title and a reason', () => {
    expect(new Set(CHECKS.map((check) => check.id)).size).toBe(CHECKS.length);
    for (const check of CHECKS) expect(check.title.length * check.reason.length).toBeGreaterThan(0);
  });

  it('each fail on at least one planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , expected]) => expected));
    expect(CHECKS.map((check) => check.id).filter((id) => !planted.has(id))).toEqual([]);
  });
});

describe('server.stop', () => {
  const stop = (handlesStop: boolean, code: string) =>
    judgeAll(CHECKS, {
      ...goodFacts(),
      handlesStop,
      values: new Map([...goodFacts().values, ['shipped.stop', '0'], ['utilities.stop', code]]),
    }).find(({ id }) => id === 'server.stop');

  it('passes if the signal kills a version without a handler', () =>
    expect(stop(false, '143')).toMatchObject({
      status: 'passed',
      message: 'killed by the signal: this version does not handle it',
    }));

  it('passes with exit code 0, with or without a handler', () => {
    for (const handles of [true, false])
      expect(stop(handles, '0')).toMatchObject({ status: 'passed', message: 'exit code 0, both times' });
  });
});

describe('STUN vectors', () => {
  it('have no verdict for a package that was not built by turnbuild', () =>
    expect(
      judgeAll(CHECKS, { ...goodFacts(), built: false }).find(({ id }) => id === 'stun.vectors'),
    ).toMatchObject({ status: 'cannot-here', message: expect.stringContaining('is not packaged') }));
});

describe('package.unit-alone', () => {
  it.each([
    ['a drop-in of another unit', 'f\t/usr/lib/systemd/system/cot.service.d/a.conf'],
    [
      "a drop-in for another unit's dash-terminated prefix",
      'f\t/usr/lib/systemd/system/other-.service.d/a.conf',
    ],
    [
      'a drop-in of another unit in the package',
      'f\t/usr/lib/systemd/system/t.service\nf\t/usr/lib/systemd/system/t.service.d/a.conf',
    ],
    [
      'a link in a .wants folder, which is not an alias',
      'l\t/usr/lib/systemd/system/multi-user.target.wants/coturn.service\nf\t/usr/lib/systemd/system/multi-.service.d/a.conf',
    ],
    ['an empty drop-in folder', 'd\t/usr/lib/systemd/system/coturn.service.d'],
  ])('passes with %s', (_, lines) => {
    const { inspected } = goodFacts();
    const results = judgeAll(packageChecks, {
      ...goodFacts(),
      inspected: { ...inspected, units: `${inspected.units}${lines}\n` },
    });
    expect(results.find(({ id }) => id === 'package.unit-alone')).toMatchObject({ status: 'passed' });
  });
});

describe('inspection checks', () => {
  const resultOf = (facts: ReturnType<typeof goodFacts>, id: string) =>
    judgeAll(packageChecks, facts).find((each) => each.id === id);

  it('record the number of overridden lintian tags, even without errors', () => {
    const lintian =
      'O: coturn: maintainer-script-should-not-use-dpkg-maintscript-helper\nI: coturn: a-tag O: \n';
    const facts = { ...goodFacts(), inspected: { ...goodFacts().inspected, lintian, lintianExit: '0\n' } };
    expect(resultOf(facts, 'package.lintian')).toMatchObject({
      status: 'passed',
      figures: { errors: 0, overridden: 1 },
    });
  });

  it('record the number of rpmlint warnings, and fail without output of rpmlint', () => {
    const rpmlint = 'coturn.x86_64: W: no-documentation\n 1 packages checked; 0 errors\n';
    const facts = {
      ...portableFacts(),
      inspected: { ...portableFacts().inspected, rpmlint, rpmlintExit: '0\n' },
    };
    expect(resultOf(facts, 'package.rpmlint')).toMatchObject({
      status: 'passed',
      figures: { errors: 0, warnings: 1 },
    });
    const { rpmlint: _, ...inspected } = facts.inspected;
    expect(resultOf({ ...facts, inspected }, 'package.rpmlint')?.message).toMatch(/^rpmlint did not finish/);
  });

  it('fail package.requires if the requirements of an .rpm were not read', () => {
    const { requires: _, ...inspected } = portableFacts().inspected;
    expect(resultOf({ ...portableFacts(), inspected }, 'package.requires')).toMatchObject({
      status: 'failed',
      message: "the package's requirements were not read",
    });
  });

  it("record the unit's limit of open files, or that it has none", () => {
    const unit = (change: (text: string) => string) => {
      const { inspected } = goodFacts();
      return { ...goodFacts(), inspected: { ...inspected, unit: change(inspected.unit ?? '') } };
    };
    expect(
      resultOf(
        unit((text) => text.replace(/LimitNOFILE=\d+/, 'LimitNOFILE=33766')),
        'package.unit-settings',
      ),
    ).toMatchObject({ status: 'passed', figures: { files: 33_766, ports: 16_383 } });
    expect(
      resultOf(
        unit((text) => text.replace(/^LimitNOFILE=.*$/m, '')),
        'package.unit-settings',
      )?.figures,
    ).toEqual({ files: 'not set', ports: 16_383 });
  });

  it('include only those that apply to the package format', () => {
    const of = (name: string) =>
      ids(judgeAll(packageChecks, { ...goodFacts(), target: target(name) })).filter((id) =>
        ['package.lintian', 'package.rpmlint', 'package.requires'].includes(id),
      );
    expect(of('debian-13')).toEqual(['package.lintian']);
    expect(of('portable')).toEqual(['package.rpmlint', 'package.requires']);
    // With the distribution's own libraries.
    expect(of('el9')).toEqual(['package.rpmlint']);
  });
});

describe('parsing of recorded output', () => {
  it('parses samples with and without labels', () => {
    expect(parseSamples('# HELP x y\n# TYPE x counter\nx{realm="a b"} 3\ny 1e3\n')).toEqual(
      new Map([
        ['x{realm="a b"}', 3],
        ['y', 1000],
      ]),
    );
  });

  it('takes the last counts of a client, if there are any', () => {
    expect(clientCounts('tot_send_msgs=1, tot_recv_msgs=0\ntot_send_msgs=5, tot_recv_msgs=4\n')).toEqual({
      sent: 5,
      received: 4,
    });
    expect(clientCounts('nothing')).toBeUndefined();
  });
});

describe('lintian overrides', () => {
  const overrides = readFileSync(
    new URL('../../../recipes/packaging/deb/lintian-overrides', import.meta.url),
    'utf8',
  );

  it('in our packages are exactly the reviewed ones', () => {
    const tags = overrides.split('\n').flatMap((line) => /^\S+: (\S+)/.exec(line)?.[1] ?? []);
    expect(tags).toEqual(OUR_OVERRIDES);
  });

  it('are accepted in our own package that is given as a file', () => {
    const results = judgeAll(packageChecks, { ...goodFacts(), built: false });
    expect(results.find(({ id }) => id === 'package.lintian')?.status).toBe('passed');
  });
});
