import { type Rules, rulesSchema } from '../recipe/monitoring.ts';
import { parseRecipe } from '../recipe/parse.ts';
import { type Check, complaints, fail, notApplicable } from './check.ts';
import type { PackageFacts } from './facts.ts';
import { readQuery } from './promql.ts';

/** A query and its place, for complaints. */
interface Query {
  place: string;
  expr: string;
}

/** Queries of all rules, each with the name of its record or alert. */
function queriesOfRules(rules: Rules): Query[] {
  return rules.groups.flatMap((group) =>
    group.rules.map((rule) => ({ place: 'record' in rule ? rule.record : rule.alert, expr: rule.expr })),
  );
}

/** Queries of the panels, and of the variables defined by a query such as `label_values(SELECTOR, label)`. */
function queriesOfDashboard(text: string): Query[] {
  const { panels, templating } = JSON.parse(text) as {
    panels: { title: string; targets: { expr: string }[] }[];
    templating: { list: { name: string; type: string; query: string }[] };
  };
  return [
    ...panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ place: title, expr }))),
    ...templating.list
      .filter(({ type }) => type === 'query')
      .map(({ name, query }) => ({
        place: `variable ${name}`,
        expr: /^label_values\((.*), \w+\)$/.exec(query)?.[1] ?? query,
      })),
  ];
}

/** Complaints about queries that can't be parsed, or that use a metric that neither this version nor the rules define. */
function judgeQueries(queries: readonly Query[], known: ReadonlySet<string>): string[] {
  return queries.flatMap(({ place, expr }) => {
    const { metrics, errors } = readQuery(expr);
    return [
      ...errors.map((error) => `${place}: invalid PromQL: ${error}`),
      ...(metrics.length === 0 && errors.length === 0 ? [`${place} queries no metric`] : []),
      ...metrics
        .filter((name) => !known.has(name))
        .map((name) => `${place} queries ${name}, which this version does not have`),
    ];
  });
}

/** Metrics that turn-agent adds to turnserver's on machine images. */
const OF_THE_AGENT = ['turn_agent_relay_ports'];

/** Complaints about queries without a result for machines that are not made from an image. */
function judgeAgentQueries(queries: readonly Query[]): string[] {
  return queries.flatMap(({ place, expr }) => {
    const { metrics } = readQuery(expr);
    return metrics.length > 0 && metrics.every((name) => OF_THE_AGENT.includes(name))
      ? [`${place} queries ${metrics.join(' and ')}, which only machine images have`]
      : [];
  });
}

/** Complaints unless promtool accepted the rules and their tests passed. */
function judgePromtool(text: string | undefined): string[] {
  return ['check', 'test'].flatMap((what) => {
    const code = new RegExp(`^${what} exit (\\d+)$`, 'm').exec(text ?? '')?.[1];
    return code === '0'
      ? []
      : [`promtool ${what} rules ended with exit code ${code ?? 'unknown'}: ${text ?? ''}`];
  });
}

function judgeMonitoring({ inspected, sourceMetrics, built }: PackageFacts) {
  const { rules: rulesText, dashboard, promtool } = inspected;
  if (rulesText === undefined || dashboard === undefined) {
    return built
      ? fail(`the package has no ${rulesText === undefined ? 'alert rules' : 'dashboard'}`)
      : notApplicable('the package has no monitoring files');
  }
  const parsed = parseRecipe(rulesText, rulesSchema);
  if (!parsed.ok) {
    return fail(parsed.issues.map(({ line, message }) => `coturn.rules.yml:${line}: ${message}`).join('; '));
  }
  const rules = queriesOfRules(parsed.value);
  const panels = queriesOfDashboard(dashboard);
  const recorded = rules.map(({ place }) => place).filter((name) => name.includes(':'));
  // Prometheus adds `up` to each scrape.
  const scraped = new Set([...sourceMetrics, 'up']);
  const exported = new Set([...scraped, ...OF_THE_AGENT]);
  const known = new Set([...exported, ...recorded]);
  const alerts = parsed.value.groups.flatMap((group) => group.rules).filter((rule) => 'alert' in rule);
  const seen = new Set(
    [...(inspected.rulesTest ?? '').matchAll(/labels: ALERTS\{alertname="(\w+)", alertstate="firing"/g)].map(
      ([, name]) => name,
    ),
  );
  const untested = alerts.filter(({ alert }) => !seen.has(alert));
  const found = [
    ...(alerts.length === 0 ? ['the rules have no alerts'] : []),
    ...(panels.length === 0 ? ['the dashboard has no queries'] : []),
    ...judgeQueries(rules, known),
    ...judgeQueries(panels, exported),
    ...judgeAgentQueries(panels),
    ...judgePromtool(promtool),
    ...untested.map(({ alert }) => `no test makes ${alert} fire`),
  ];
  return complaints(
    found,
    `${alerts.length} alerts, each with a test that makes it fire; ${panels.length} dashboard queries`,
    {
      alerts: alerts.length,
      queries: rules.length + panels.length,
    },
  );
}

export const monitoringChecks: Check[] = [
  {
    id: 'package.monitoring',
    title: 'Alert rules and dashboard are valid and query only metrics of this version',
    reason: 'Querying a metric that does not exist is not an error: the alert silently never fires.',
    reference: 'https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/',
    judge: judgeMonitoring,
  },
];
