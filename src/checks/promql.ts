import { parser } from '@prometheus-io/lezer-promql';

/** The metrics of a query, and its syntax errors. */
export interface QueryReading {
  /** Names of metrics, each once, in order. */
  metrics: string[];
  /** The parts that the grammar rejects. */
  errors: string[];
}

/**
 * Parses a query with the grammar of Prometheus's own user interface. It first substitutes Grafana's variables: one whose name
 * begins with `__` is a duration, any other a number.
 */
export function readQuery(query: string): QueryReading {
  const text = query.replace(/\$\{?__\w+\}?/g, '5m').replace(/\$\{?\w+\}?/g, '1');
  const metrics = new Set<string>();
  const errors: string[] = [];
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) errors.push(text.slice(node.from, node.to) || `at ${node.from}`);
      if (node.name === 'VectorSelector') {
        const name = node.node.getChild('Identifier');
        if (name === null) errors.push(`${text.slice(node.from, node.to)} names no metric`);
        else metrics.add(text.slice(name.from, name.to));
      }
    },
  });
  return { metrics: [...metrics], errors };
}
