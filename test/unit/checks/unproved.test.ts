import { describe, expect, it } from 'vitest';
import { judgeAll } from '../../../src/checks/judge.ts';
import { labChecks } from '../../../src/checks/lab-checks.ts';
import { monitoringChecks } from '../../../src/checks/monitoring-checks.ts';
import { packageChecks } from '../../../src/checks/package-checks.ts';
import { serviceChecks } from '../../../src/checks/service-checks.ts';
import type { LabFacts } from '../../../src/lab/facts.ts';
import { nothing } from '../../../src/lab/nothing.ts';
import type { CheckResult } from '../../../src/manifest/schema.ts';
import { badOf, plantedLab } from '../../support/lab-facts.ts';
import { advisory } from '../../support/package-facts.ts';
import { withInspected } from '../../support/verified-facts.ts';
import { portableFacts } from '../../support/verified-portable.ts';

// Faults whose facts look good because nothing was answered, asked or available to judge.
const CHECKS = [...labChecks, ...serviceChecks];
const failedOf = (change: (lab: LabFacts) => void, known: string[] = []): CheckResult[] =>
  badOf(CHECKS, plantedLab(change), { advisories: known.map(advisory) }).failed;
const lines = (results: readonly CheckResult[]) => results.map(({ id, message }) => `${id}: ${message}`);

describe('sessions', () => {
  it('fail relay.rest-secret if unanswered over transports that answered probes', () => {
    const failed = failedOf(({ restSessions }) => {
      for (const each of restSessions.relays)
        Object.assign(each, { sent: 0, received: 0, error: 'no answer', unreachable: true });
    });
    expect(lines(failed)).toContainEqual(
      expect.stringMatching(/^relay\.rest-secret: 8 of 8 clients were not answered/),
    );
  });

  it('fail metrics.exact if allocations remain before and after them', () => {
    const failed = failedOf(({ sessions }) => {
      for (const when of ['before', 'after'] as const)
        sessions[when] = sessions[when].replace(/^(turn_total_allocations(?:\{.*\})?) 0$/m, '$1 3');
    });
    expect(lines(failed)).toEqual([
      expect.stringMatching(/^metrics\.exact: turn_total_allocations is 3 before .* is 3 after/),
    ]);
  });
});

describe('metrics', () => {
  it('fail metrics.names if they have a label that the table lacks', () => {
    const failed = failedOf(({ sessions }) => {
      sessions.after = sessions.after.replace(
        /^turn_traffic_rcvp\{realm="([^"]*)"\}/m,
        'turn_traffic_rcvp{realm="$1",user="1795647591:alice"}',
      );
    });
    expect(lines(failed)).toEqual([
      'metrics.names: turn_traffic_rcvp has the labels realm, user (expected realm)',
    ]);
  });
});

describe('forbidden peers', () => {
  it('prove nothing over IPv6 if no public peer is reached over IPv6', () => {
    const failed = failedOf((lab) => {
      lab.forbidden.control6 = { received: 0, captured: 0 };
    });
    expect(lines(failed)).toEqual([
      expect.stringMatching(/^peers\.forbidden: the control failed: a public peer was not reached/),
    ]);
  });
});

describe('a unit', () => {
  it('fails service.start if it is active but does not answer clients', () => {
    const failed = failedOf(({ service }) => {
      service.serving = false;
    });
    expect(lines(failed)).toEqual(['service.start: the unit is active but does not answer clients']);
  });

  it('fails service.restart if it does not answer clients after a crash', () => {
    const failed = failedOf(({ service }) => {
      service.restarted = 'active but does not answer clients';
    });
    expect(lines(failed)).toEqual([
      'service.restart: after SIGKILL the unit is active but does not answer clients',
    ]);
  });
});

describe('an advisory', () => {
  it('does not excuse an even-port test that did not run', () => {
    const failed = failedOf(
      (lab) => {
        lab.evenPort = nothing().evenPort;
      },
      ['CVE-2026-73215'],
    );
    expect(failed.map(({ id, advisories }) => [id, advisories])).toEqual([['capacity.even-port', undefined]]);
  });

  it('does not excuse a client that fails without a timeout', () => {
    const failed = failedOf(
      (lab) => {
        const why = 'the reason phrase of an error response is not valid text';
        lab.unparsed.push({ server: 'requests', transport: 'udp', why, bytes: '' });
        for (const each of lab.independent) Object.assign(each, { received: 3 });
      },
      ['coturn-1878'],
    );
    expect(failed.map(({ id, advisories }) => [id, advisories])).toEqual([
      ['network.independent', undefined],
      ['answers.parsed', ['coturn-1878']],
    ]);
  });
});

describe('package files', () => {
  it.each([
    [
      'alert rules without an alert',
      'rules',
      () => 'groups:\n- name: a\n  rules:\n  - record: a:b\n    expr: turn_total_allocations\n',
      /the rules have no alerts/,
    ],
    [
      'a dashboard without a query',
      'dashboard',
      () => '{"panels": [], "templating": {"list": []}}',
      /the dashboard has no queries/,
    ],
  ])('fail package.monitoring: %s', (_, name, change, message) => {
    const [result] = judgeAll(monitoringChecks, withInspected(name, change));
    expect(result).toMatchObject({ status: 'failed', message: expect.stringMatching(message) });
  });

  it("fail package.configuration if the tarball's configuration is faulty", () => {
    const facts = portableFacts();
    const own = packageChecks.filter(({ id }) => id === 'package.configuration');
    const judge = (text: string) =>
      judgeAll(own, {
        ...facts,
        options: new Set([...facts.options, 'denied-peer-ip']),
        inspected: { ...facts.inspected, configuration: '', tarballConfiguration: text },
      })[0]?.message ?? '';
    expect(judge('user=a:b\n')).toMatch(/tarball: user is set/);
    expect(judge('')).toMatch(/tarball: .*no denied-peer-ip/);
  });
});
