/** The fault, the inspected file, the change, and the message of the check that it fails. */
export const PLANTED: [string, string, (text: string) => string, RegExp][] = [
  [
    'an alert for a metric of a later version',
    'rules',
    (t) => t.replace('up{job="coturn"} == 0', 'turn_packet_dropped > 0'),
    /CoturnDown queries turn_packet_dropped, which/,
  ],
  [
    'a misspelt metric in the dashboard',
    'dashboard',
    (t) => t.replace('sum(turn_total_allocations', 'sum(turn_total_allocation'),
    /Allocations now queries turn_total_allocation, which/,
  ],
  [
    'a dashboard variable that queries an unknown metric',
    'dashboard',
    (t) => t.replace('label_values(turn_total_traffic_rcvp, job)', 'label_values(turn_traffic, job)'),
    /variable job queries turn_traffic,/,
  ],
  [
    'a dashboard that needs the recording rules',
    'dashboard',
    (t) => t.replace('sum(turn_total_allocations', 'sum(instance:coturn_allocations:sum'),
    /queries instance:coturn_allocations:sum/,
  ],
  [
    'a dashboard that needs a metric of machine images',
    'dashboard',
    (t) => t.replace('sum(turn_total_allocations', 'sum(turn_agent_relay_ports'),
    /queries turn_agent_relay_ports, which/,
  ],
  [
    'a rule that queries the name of an alert',
    'rules',
    (t) => t.replace('up{job="coturn"} == 0', 'CoturnDown > 0'),
    /CoturnDown queries CoturnDown, which/,
  ],
  [
    'a query without a metric',
    'dashboard',
    (t) => t.replace('label_values(turn_total_traffic_rcvp, job)', 'label_values(1, job)'),
    /^variable job queries no metric$/,
  ],
  [
    'a query that is not valid PromQL',
    'dashboard',
    (t) => t.replace('[1h]', '[1h'),
    /Relayed, bits per second: invalid PromQL: /,
  ],
  ['a rule without an expression', 'rules', (t) => t.replace('expr:', 'exp:'), /coturn\.rules\.yml:\d+: /],
  [
    'a query for a series that no rule records',
    'rules',
    (t) => t.replace('record: instance:coturn_allocations:sum', 'record: instance:coturn_allocation:sum'),
    /instance:coturn_relay_ports:utilization queries instance:coturn_allocations:sum/,
  ],
  [
    'an alert that fires in no test',
    'rulesTest',
    (t) => t.replaceAll('labels: ALERTS{alertname="CoturnNoPeerTraffic"', 'labels: ALERTS{alertname="Other"'),
    /no test makes CoturnNoPeerTraffic fire/,
  ],
  [
    'rules that promtool rejects',
    'promtool',
    (t) => t.replace('check exit 0', 'check exit 1'),
    /promtool check/,
  ],
  [
    'a failing rule test',
    'promtool',
    (t) => t.replace('test exit 0', 'test exit 1'),
    /^promtool test rules ended with exit code 1: Checking /,
  ],
  ['missing promtool output', 'promtool', () => '', /promtool check rules ended with exit code unknown/],
];
