import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const ROOT = new URL('../../../', import.meta.url).pathname;
const POLICIES = join(ROOT, 'docs/policies');
const AGENT = join(ROOT, 'recipes/docker/machine/agent');
const files = readdirSync(POLICIES).sort();
const trusts = files.filter((name) => name.endsWith('-trust.json'));
const policies = files.filter((name) => name.endsWith('.json') && !trusts.includes(name));
const roles = files.filter((name) => name.endsWith('.yaml'));
const launching = readFileSync(join(ROOT, 'docs/launching.md'), 'utf8');
const publishing = readFileSync(join(ROOT, 'docs/publishing.md'), 'utf8');
const forPublishing = files.filter((name) => name.startsWith('publish-'));
const forLaunching = files.filter((name) => !forPublishing.includes(name));

interface Statement {
  Action: string | string[];
  Resource?: string | string[];
  [key: string]: unknown;
}

const textOf = (name: string) => readFileSync(join(POLICIES, name), 'utf8');
const list = (value: string | string[] = []) => [value].flat();
const statementsOf = (name: string): Statement[] => JSON.parse(textOf(name)).Statement;
const actionsOf = (name: string) => statementsOf(name).flatMap(({ Action }) => list(Action));

/** Actions for which AWS defines no type of resource. */
const ON_EVERYTHING = [
  'ec2:DescribeImages',
  'ec2:DescribeImportSnapshotTasks',
  'ec2:DescribeInstances',
  'ec2:DescribeSnapshots',
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
];

describe('docs/policies', () => {
  it('has files of the known kinds only', () => {
    expect([...trusts, ...policies, ...roles].sort()).toEqual(files);
    expect([trusts.length, policies.length, roles.length]).toEqual([2, 9, 5]);
  });

  it('is described in docs/launching.md, which names no other file', () => {
    const rows = [...launching.matchAll(/^\| \[([^\]]+)\]\(policies\/([^)]+)\) \|/gm)];
    expect(rows.map(([, name]) => name).sort()).toEqual(forLaunching);
    for (const [, name, path] of rows) expect(path).toBe(name);
    const used = [...launching.matchAll(/\$\(policy ([\w.-]+)\)|\$POLICIES\/([\w-]+\.\w+)/g)];
    expect(used.length).toBeGreaterThan(8);
    for (const [, json, yaml] of used) expect(forLaunching).toContain(json ?? yaml);
  });

  it('for publishing is described in docs/publishing.md', () => {
    const links = [...publishing.matchAll(/\(policies\/([^)]+)\)/g)].map(([, name]) => name);
    expect([...new Set(links)].sort()).toEqual(forPublishing);
  });

  it.each(policies)('%s has nothing but permissions', (name) => {
    const { Version, Statement, ...others } = JSON.parse(textOf(name));
    expect(others).toEqual({});
    expect(Version).toBe('2012-10-17');
    for (const { Sid, Effect, Action, Resource, Condition, ...unknown } of Statement) {
      expect(unknown).toEqual({});
      expect(Sid).toMatch(/^[A-Za-z]+$/);
      expect(Effect).toBe('Allow');
      for (const action of list(Action)) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z]+$/);
      expect(list(Action).length).toBeGreaterThan(0);
      for (const resource of list(Resource))
        expect(resource).toMatch(/^(\*|arn:aws:[a-z0-9]+:(REGION|\*)?:(ACCOUNT)?:[A-Za-z].*)$/);
      if (Condition !== undefined) expect(Object.keys(Condition)).toEqual(['StringEquals']);
    }
  });

  it('names resources wherever IAM can, and docs/launching.md lists the exceptions', () => {
    const wide = policies
      .flatMap(statementsOf)
      .filter(({ Resource }) => list(Resource).includes('*'))
      .flatMap(({ Action }) => list(Action));
    expect([...new Set(wide)].sort()).toEqual(ON_EVERYTHING);
    const paragraph = launching.split('`"Resource": "*"` is used only')[1] ?? '';
    expect([...paragraph.matchAll(/`([a-z0-9]+:[A-Za-z]+)`/g)].map(([, action]) => action).sort()).toEqual(
      ON_EVERYTHING,
    );
  });

  it.each([
    ['aws-instance-trust.json', 'ec2.amazonaws.com', undefined],
    ['aws-vmimport-trust.json', 'vmie.amazonaws.com', { StringEquals: { 'sts:ExternalId': 'vmimport' } }],
  ])('%s trusts %s only', (name, Service, Condition) => {
    expect(trusts).toContain(name);
    expect(JSON.parse(textOf(name))).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          ...{ Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' },
          ...(Condition === undefined ? {} : { Condition }),
        },
      ],
    });
  });

  it.each(roles)('%s is a custom role with single permissions', (name) => {
    const { title, description, stage, includedPermissions, ...others } = parse(textOf(name));
    expect(others).toEqual({});
    expect(title).toMatch(/^TURN /);
    expect(description).toMatch(/\w/);
    expect(stage).toBe('GA');
    for (const permission of includedPermissions)
      expect(permission).toMatch(/^[a-z]+\.[A-Za-z]+\.[A-Za-z]+$/);
    expect(includedPermissions).toEqual([...new Set(includedPermissions)].sort());
  });
});

describe('aws-import.json', () => {
  it('allows exactly the calls of EC2 that docs/launching.md makes to import an image', () => {
    const waits: Record<string, string> = {
      'snapshot-imported': 'DescribeImportSnapshotTasks',
      'image-available': 'DescribeImages',
    };
    const camel = (name: string) => name.replace(/(?:^|-)([a-z])/g, (_, letter) => letter.toUpperCase());
    const section = launching.split('\n### Import the image\n')[1]?.split('\n### ')[0] ?? '';
    const calls = [...section.matchAll(/aws ec2 (wait )?([a-z-]+)/g)].map(([, wait, name = '']) =>
      wait === undefined ? camel(name) : waits[name],
    );
    const allowed = actionsOf('aws-import.json').filter((action) => action.startsWith('ec2:'));
    expect(allowed.sort()).toEqual([...new Set(calls)].map((name) => `ec2:${name}`).sort());
  });
});

describe('the policies of machines', () => {
  const sources = readdirSync(AGENT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.go') && !name.endsWith('_test.go') && !name.includes('clouds/'))
    .map((name) => ({ name, text: readFileSync(join(AGENT, name), 'utf8').replace(/^\s*\/\/.*$/gm, '') }));
  const amazon = sources.find(({ name }) => name === 'internal/secrets/amazon.go')?.text ?? '';
  const google = sources.find(({ name }) => name === 'internal/secrets/google.go')?.text ?? '';

  it('allow exactly the calls of AWS that turn-agent makes', () => {
    const calls = [...amazon.matchAll(/action\{"(\w+)", "\w+\.(\w+)", "([\w:]+)"/g)];
    expect(calls).toHaveLength(2);
    for (const [, service, operation, permission] of calls)
      expect(permission).toBe(`${service}:${operation}`);
    const allowed = [
      ...actionsOf('aws-instance-parameter-store.json'),
      ...actionsOf('aws-instance-secrets-manager.json'),
    ];
    expect(allowed.sort()).toEqual(calls.map(([, , , permission]) => permission).sort());
  });

  it('allow decryption only through the services that turn-agent calls', () => {
    expect(actionsOf('aws-instance-kms.json')).toEqual(['kms:Decrypt']);
    const services = [...amazon.matchAll(/action\{"(\w+)"/g)].map(
      ([, service]) => `${service}.REGION.amazonaws.com`,
    );
    expect(statementsOf('aws-instance-kms.json')[0]?.Condition).toEqual({
      StringEquals: { 'kms:ViaService': services },
    });
  });

  it('allow exactly the call of Secret Manager that turn-agent makes', () => {
    const [, method] = /"\/v1\/"\+r\.Name\+":(\w+)"/.exec(google) ?? [];
    expect(parse(textOf('gce-secret-reader.yaml')).includedPermissions).toEqual([
      `secretmanager.versions.${method}`,
    ]);
  });

  it('cover turn-agent, which calls no other service', () => {
    const addresses = sources.flatMap(({ name, text }) =>
      [...text.matchAll(/"https:\/\/[^"]*"/g)].map(([address]) => `${name} ${address}`),
    );
    expect(addresses.sort()).toEqual([
      'internal/secrets/amazon.go "https://%s.%s.%s/"',
      'internal/secrets/google.go "https://secretmanager.googleapis.com"',
    ]);
  });
});
