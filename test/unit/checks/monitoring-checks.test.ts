import { describe, expect, it } from 'vitest';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { monitoringChecks } from '../../../src/checks/monitoring-checks.ts';
import { METRIC_VERSIONS, metricNames, shippedMonitoring } from '../../support/monitoring.ts';
import { PLANTED } from '../../support/planted/monitoring.ts';
import { goodFacts, withInspected } from '../../support/verified-facts.ts';

const judge = (facts: PackageFacts) => monitoringChecks[0]?.judge(facts);

describe('package.monitoring', () => {
  it('passes on the recorded facts', () => {
    expect(judge(goodFacts())).toMatchObject({ ok: true, figures: { alerts: 6, queries: 25 } });
  });

  it.each(METRIC_VERSIONS)('passes the files for coturn %s', (version) => {
    const facts = goodFacts();
    const inspected = { ...facts.inspected, ...shippedMonitoring(version) };
    expect(judge({ ...facts, inspected, sourceMetrics: metricNames(version) })).toMatchObject({ ok: true });
  });

  it.each(PLANTED)('detects a planted fault: %s', (_, name, change, message) => {
    const facts = withInspected(name, change);
    expect(facts.inspected[name]).not.toBe(goodFacts().inspected[name]);
    expect(judge(facts)).toMatchObject({ ok: false, message: expect.stringMatching(message) });
  });

  it("fails if our package lacks the files, and is skipped for another packager's package", () => {
    const facts = goodFacts();
    const { rules: _, ...inspected } = facts.inspected;
    expect(judge({ ...facts, inspected })).toMatchObject({
      ok: false,
      message: 'the package has no alert rules',
    });
    expect(judge({ ...facts, inspected, built: false })).toMatchObject({ without: 'not-applicable' });
    const { dashboard: __, ...others } = facts.inspected;
    expect(judge({ ...facts, inspected: others })).toMatchObject({
      ok: false,
      message: 'the package has no dashboard',
    });
  });
});
