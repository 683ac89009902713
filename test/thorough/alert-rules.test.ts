import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRIC_VERSIONS, shippedMonitoring } from '../support/monitoring.ts';

/** A valid but wrong version of each rule, which its test must detect. */
const FAULTS: [rule: string, right: string, wrong: string][] = [
  ['CoturnDown', 'up{job="coturn"} == 0', 'up{job="coturn"} == 2'],
  ['CoturnMissing', 'absent(up{job="coturn"})', 'absent(up)  == 2'],
  ['CoturnRestartLoop', '>= 2', '>= 1'],
  ['coturn_relayed_bytes', 'rate(turn_total_traffic_peer_sentb[1h])', '0'],
  ['CoturnRelayPortsRunningOut', 'utilization > 0.8', 'utilization > 1'],
  ['CoturnRelayPortsExhausted', 'utilization > 0.95', 'utilization > 1'],
  ['coturn_relay_ports:capacity', '+ 16383', '+ 16382'],
  ['turn_agent_relay_ports', '(turn_agent_relay_ports)', '(turn_agent_relay_ports) * 2'],
  ['turn_agent_relay_ports by instance', 'max by (job, instance) (turn_agent', '(turn_agent'],
  ['coturn_allocations:sum', 'sum by (job, instance) (turn_total_allocations)', 'turn_total_allocations'],
  [
    'CoturnNoPeerTraffic',
    'increase(turn_total_traffic_peer_rcvp[30m]) == 0',
    'turn_total_traffic_peer_rcvp == 0',
  ],
  ['CoturnDropsPackets', '> 0.01', '> 0.05'],
  ['CoturnUnderUnauthenticatedLoad', '[5m]) > 10', '[5m]) > 1000'],
  ['CoturnRateLimitTableNearlyFull', '> 0.9\n', '> 0.99\n'],
];

const dir = mkdtempSync(join(tmpdir(), 'turnbuild-rules-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Writes the rules of a version, and their tests, into a folder. */
function write(folder: string, version: string, change: (rules: string) => string = (rules) => rules): void {
  const { rules, rulesTest } = shippedMonitoring(version);
  mkdirSync(join(dir, folder));
  writeFileSync(join(dir, folder, 'coturn.rules.yml'), change(rules));
  writeFileSync(join(dir, folder, 'coturn.rules.test.yml'), rulesTest);
}

/** promtool's output for all these folders in one call, because it takes half a second to start. */
function promtool(what: 'check' | 'test', file: string, folders: readonly string[]): Map<string, string> {
  const paths = folders.map((folder) => join(folder, file));
  // promtool writes success and failure to different streams, and only the order relates them to files.
  const log = openSync(join(dir, `${what}.log`), 'w');
  spawnSync('promtool', [what, 'rules', ...paths], { cwd: dir, stdio: ['ignore', log, log] });
  closeSync(log);
  const said = readFileSync(join(dir, `${what}.log`), 'utf8')
    .split(/^(?:Checking|Unit Testing: ) /m)
    .slice(1);
  return new Map(
    said.map((text) => [text.trim().split('/')[0] ?? '', /SUCCESS/.test(text) ? 'SUCCESS' : text]),
  );
}

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool) console.log('alert-rules.test.ts is skipped: no promtool here (npm run check installs it)');

describe.runIf(hasPromtool)('the alert rules', () => {
  let checked = new Map<string, string>();
  let tested = new Map<string, string>();

  beforeAll(() => {
    for (const version of METRIC_VERSIONS) write(version, version);
    for (const [rule, right, wrong] of FAULTS)
      write(rule, '4.18.0', (rules) => {
        expect(rules).toContain(right);
        return rules.replace(right, wrong);
      });
    const folders = [...METRIC_VERSIONS, ...FAULTS.map(([rule]) => rule)];
    checked = promtool('check', 'coturn.rules.yml', folders);
    tested = promtool('test', 'coturn.rules.test.yml', folders);
  });

  it.each(METRIC_VERSIONS)('are valid and pass their tests for coturn %s', (version) => {
    expect(checked.get(version)).toBe('SUCCESS');
    expect(tested.get(version)).toBe('SUCCESS');
  });

  it.each(FAULTS)('fail their tests if a rule is wrong: %s', (rule) => {
    expect(checked.get(rule)).toBe('SUCCESS');
    expect(tested.get(rule)).toMatch(/FAILED/);
  });
});
