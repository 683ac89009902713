import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

const POLICIES = new URL('../../../docs/policies/', import.meta.url);

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

/** Whether the bucket policy in docs/publishing.md lets everyone read an object of s3://example-packages. */
export function publicReader(): (key: string) => boolean {
  const docs = readFileSync(new URL('../publishing.md', POLICIES), 'utf8');
  const [, json = ''] = /^( {4}\{\n(?: {5,}.*\n)+ {4}\}\n)/m.exec(docs) ?? [];
  const { Statement } = JSON.parse(json) as { Statement: Statement[] };
  const resources = Statement.flatMap(({ Resource }) => Resource);
  return (key) =>
    resources.some((each) => {
      const own = `arn:aws:s3:::example-packages/${key}`;
      return each.endsWith('*') ? own.startsWith(each.slice(0, -1)) : own === each;
    });
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
