import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { METRIC_VERSIONS, shippedMonitoring } from '../support/monitoring.ts';

const dir = mkdtempSync(join(tmpdir(), 'turnbuild-rules-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs Prometheus's own tool on files in a folder of their own. */
function promtool(version: string, change: (rules: string) => string = (rules) => rules) {
  const { rules, rulesTest } = shippedMonitoring(version);
  writeFileSync(join(dir, 'coturn.rules.yml'), change(rules));
  writeFileSync(join(dir, 'coturn.rules.test.yml'), rulesTest);
  const run = (what: string, file: string) => {
    const { status, stdout, stderr } = spawnSync('promtool', [what, 'rules', file], {
      cwd: dir,
      encoding: 'utf8',
    });
    return { status, text: `${stdout}${stderr}` };
  };
  return { check: run('check', 'coturn.rules.yml'), test: run('test', 'coturn.rules.test.yml') };
}

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool) console.log('alert-rules.test.ts is skipped: no promtool here (npm run check installs it)');

describe.runIf(hasPromtool)('the alert rules', () => {
  it.each(METRIC_VERSIONS)('are rules, and fire when they should, for coturn %s', (version) => {
    expect(promtool(version)).toMatchObject({ check: { status: 0 }, test: { status: 0 } });
  });

  // Each rule in a form that is valid, and wrong: its test has to see that.
  it.each<[string, string, string]>([
    ['CoturnDown', 'up{job="coturn"} == 0', 'up{job="coturn"} == 2'],
    ['CoturnMissing', 'absent(up{job="coturn"})', 'absent(up)  == 2'],
    ['CoturnRestartsAgainAndAgain', '>= 2', '>= 1'],
    ['coturn_relayed_bytes', 'rate(turn_total_traffic_peer_sentb[1h])', '0'],
    ['CoturnRelayPortsRunningOut', 'utilization > 0.8', 'utilization > 1'],
    ['CoturnRelayPortsExhausted', 'utilization > 0.95', 'utilization > 1'],
    ['coturn_relay_ports:capacity', '+ 16383', '+ 16382'],
    ['coturn_allocations:sum', 'sum by (job, instance) (turn_total_allocations)', 'turn_total_allocations'],
    [
      'CoturnPeersAreSilent',
      'increase(turn_total_traffic_peer_rcvp[30m]) == 0',
      'turn_total_traffic_peer_rcvp == 0',
    ],
    ['CoturnDropsPackets', '> 0.01', '> 0.05'],
    ['CoturnUnderUnauthenticatedLoad', '[5m]) > 10', '[5m]) > 1000'],
    ['CoturnRateLimitTableIsFull', '> 0.9\n', '> 0.99\n'],
  ])('are not tested in vain: %s', (_, right, wrong) => {
    const { check, test } = promtool('4.18.0', (rules) => {
      expect(rules).toContain(right);
      return rules.replace(right, wrong);
    });
    expect(check).toMatchObject({ status: 0 });
    expect(test).toMatchObject({ status: 1, text: expect.stringContaining('FAILED') });
  });
});
