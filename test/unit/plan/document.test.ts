import { describe, expect, it } from 'vitest';
import { sha256Text } from '../../../src/io/files.ts';
import {
  differences,
  formatPlan,
  PLAN_SCHEMA,
  type PlanDocument,
  parsePlan,
  partOf,
  planDigest,
} from '../../../src/plan/document.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { releaseFacts as facts } from '../../support/plan-facts.ts';

const digest = 'd'.repeat(64);
const source = { provider: 'debian', location: 'https://a', sha256: digest, tree: digest } as const;
const plan = createPlan({ ...facts, source });

describe('plan.json', () => {
  const { targets, architectures, compilesOn } = facts;
  const document: PlanDocument = {
    ...plan,
    schema: PLAN_SCHEMA,
    turnbuild: '0.1.0',
    source,
    choices: {
      ...{ targets, architectures, compilesOn, verify: true, full: false, rebuild: [] },
      selection: { only: [], skip: [], reason: undefined, accept: [] },
    },
    steps: plan.steps.map((step) => ({ ...step, inputs: { recipe: digest }, key: digest })),
  };

  it('is read as it was written, and named by the same digest', () => {
    const read = parsePlan('plan.json', formatPlan(document, sha256Text), sha256Text);
    expect(read).toMatchObject(plan);
    expect(planDigest(read, sha256Text)).toBe(planDigest(document, sha256Text));
  });

  it.each<[string, Partial<PlanDocument>]>([
    ['choices.targets', { choices: { ...document.choices, targets: [] } }],
    ['choices.architectures', { choices: { ...document.choices, architectures: [] } }],
    ['steps', { steps: [] }],
  ])('has something to do: it is refused without %s', (path, without) => {
    const text = formatPlan({ ...document, ...without }, sha256Text);
    const error = { code: 'PLAN_INVALID', message: expect.stringContaining(`${path}:`) };
    expect(() => parsePlan('plan.json', text, sha256Text)).toThrow(expect.objectContaining(error));
  });
});

describe('differences', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['nothing', { a: [1, { id: 'x' }], b: null }, { b: null, a: [1, { id: 'x' }] }, []],
    ['a value', { a: { b: 1, c: 'x' } }, { a: { b: 2, c: 'x' } }, ['a.b']],
    ['a text', { a: 'x' }, { a: 'y' }, ['a']],
    ['a member that one side has', { a: { b: 1 } }, { a: { c: 1 } }, ['a.b', 'a.c']],
    ['a member without a value, which JSON leaves out: none', { a: undefined }, {}, []],
    ['an object where there is none', { a: {}, b: null }, { a: null, b: {} }, ['a', 'b']],
    ['an object where there is a text', { a: {}, b: 'x' }, { a: 'x', b: {} }, ['a', 'b']],
    ['what is in a list, by its place', { a: [null, 'x', 1] }, { a: [null, 'y', 1] }, ['a.1']],
    ['a list that is longer', { a: ['x'] }, { a: ['x', 'y'] }, ['a.1']],
    ['what has an id', [{ id: 'x', name: 'n', v: 1 }], [{ id: 'x', name: 'n', v: 2 }], ['x.v']],
    ['what has a name', [{ name: 'n', v: 1 }], [{ name: 'n', v: 2 }], ['n.v']],
    ['what has a number as its id', [{ id: 7, name: 'n', v: 1 }], [{ id: 7, name: 'n', v: 2 }], ['n.v']],
    ['what has neither', [{ v: 1 }], [{ v: 2 }], ['0.v']],
    ['what follows from others: none', { key: 'x', a: { key: 1 } }, { key: 'y', a: { key: 2 } }, []],
  ])('of %s', (_, a, b, expected) => expect(differences(a, b)).toEqual(expected));

  it('are the first ones only, where there are many', () => {
    const [a, b] = ['a', 'b'].map((text) => Array.from('123456', (digit) => text + digit));
    expect(differences(a, b)).toEqual(['0', '1', '2', '3', '4']);
    expect(differences(a, b, 1)).toEqual(['0']);
  });
});

describe('partOf', () => {
  const part = (...stages: ('build' | 'package' | 'verify')[]) =>
    partOf(plan, { targets: ['debian-12'], architectures: ['arm64'], stages });

  it('has the steps of its targets and architectures, whatever the stage: what goes in is looked up there', () =>
    expect(part('verify').steps.map(({ id }) => id)).toEqual([
      ...['build', 'package', 'verify'].map((stage) => `${stage}:debian-12:arm64`),
    ]));

  it.each([
    [['build', 'package'] as const, ['bookworm-x86_64']],
    [['verify'] as const, ['bookworm-x86_64', 'bookworm-arm64']],
    [[] as const, []],
  ])('has the base images that %j start from, and no other', (stages, bases) =>
    expect(part(...stages).bases.map(({ id }) => id)).toEqual(bases),
  );
});
