import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

const POLICIES = new URL('../../../docs/policies/', import.meta.url);

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

/**
 * Expects that policies allow all calls to s3://packages/coturn, and that all that they allow was called.
 * @param names files in docs/policies
 */
export function requirePolicy(
  calls: readonly { action: string; resource: string }[],
  names = ['publish-s3.json'],
): void {
  const statements = names.flatMap((name) => {
    const { Statement } = JSON.parse(readFileSync(new URL(name, POLICIES), 'utf8'));
    return Statement as Statement[];
  });
  const allowed = statements.flatMap(({ Action, Resource }) =>
    [Resource].flat().flatMap((each) => {
      const resource = each.replace('BUCKET', 'packages').replace('PREFIX', 'coturn');
      return [Action].flat().map((action) => ({ action, resource }));
    }),
  );
  const matches = (
    call: { action: string; resource: string },
    { action, resource }: (typeof allowed)[number],
  ) =>
    call.action === action &&
    (resource.endsWith('*') ? call.resource.startsWith(resource.slice(0, -1)) : call.resource === resource);
  expect(calls.length).toBeGreaterThan(0);
  expect(calls.filter((call) => !allowed.some((each) => matches(call, each)))).toEqual([]);
  expect(allowed.filter((each) => !calls.some((call) => matches(call, each)))).toEqual([]);
}
