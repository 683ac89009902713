import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

const FILE = new URL('../../../docs/policies/publish-s3.json', import.meta.url);

interface Statement {
  Action: string | string[];
  Resource: string;
}

/** Expects that docs/policies/publish-s3.json allows all calls to s3://packages/coturn, and that all that it allows was called. */
export function requirePolicy(calls: readonly { action: string; resource: string }[]): void {
  const { Statement } = JSON.parse(readFileSync(FILE, 'utf8')) as { Statement: Statement[] };
  const allowed = Statement.flatMap(({ Action, Resource }) => {
    const resource = Resource.replace('BUCKET', 'packages').replace('PREFIX', 'coturn');
    return [Action].flat().map((action) => ({ action, resource }));
  });
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
