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

  it('is read back unchanged, with the same digest', () => {
    const read = parsePlan('plan.json', formatPlan(document, sha256Text), sha256Text);
    expect(read).toMatchObject(plan);
    expect(planDigest(read, sha256Text)).toBe(planDigest(document, sha256Text));
  });

  it.each<[string, Partial<PlanDocument>]>([
    ['choices.targets', { choices: { ...document.choices, targets: [] } }],
    ['choices.architectures', { choices: { ...document.choices, architectures: [] } }],
    ['steps', { steps: [] }],
  ])('is refused if %s is empty', (path, without) => {
    const text = formatPlan({ ...document, ...without }, sha256Text);
    const error = { code: 'PLAN_INVALID', message: expect.stringContaining(`${path}:`) };
    expect(() => parsePlan('plan.json', text, sha256Text)).toThrow(expect.objectContaining(error));
  });
});

describe('differences', () => {
  it.each<[string, unknown, unknown, string[]]>([
    ['nothing for equal values', { a: [1, { id: 'x' }], b: null }, { b: null, a: [1, { id: 'x' }] }, []],
    ['a changed value', { a: { b: 1, c: 'x' } }, { a: { b: 2, c: 'x' } }, ['a.b']],
    ['a changed string', { a: 'x' }, { a: 'y' }, ['a']],
    ['members that only one side has', { a: { b: 1 } }, { a: { c: 1 } }, ['a.b', 'a.c']],
    ['nothing for an undefined member, which JSON omits', { a: undefined }, {}, []],
    ['an object instead of null', { a: {}, b: null }, { a: null, b: {} }, ['a', 'b']],
    ['an object instead of a string', { a: {}, b: 'x' }, { a: 'x', b: {} }, ['a', 'b']],
    ['a list element by its index', { a: [null, 'x', 1] }, { a: [null, 'y', 1] }, ['a.1']],
    ['an additional list element', { a: ['x'] }, { a: ['x', 'y'] }, ['a.1']],
    ['a list element by its id', [{ id: 'x', name: 'n', v: 1 }], [{ id: 'x', name: 'n', v: 2 }], ['x.v']],
    ['a list element by its name', [{ name: 'n', v: 1 }], [{ name: 'n', v: 2 }], ['n.v']],
    [
      'a list element by its name if its id is a number',
      [{ id: 7, name: 'n', v: 1 }],
      [{ id: 7, name: 'n', v: 2 }],
      ['n.v'],
    ],
    ['a list element by its index if it has neither', [{ v: 1 }], [{ v: 2 }], ['0.v']],
    ['nothing for keys, which are derived', { key: 'x', a: { key: 1 } }, { key: 'y', a: { key: 2 } }, []],
  ])('include %s', (_, a, b, expected) => expect(differences(a, b)).toEqual(expected));

  it('are limited to the first five, or to a given number', () => {
    const [a, b] = ['a', 'b'].map((text) => Array.from('123456', (digit) => text + digit));
    expect(differences(a, b)).toEqual(['0', '1', '2', '3', '4']);
    expect(differences(a, b, 1)).toEqual(['0']);
  });
});

describe('partOf', () => {
  const part = (...stages: ('build' | 'package' | 'verify')[]) =>
    partOf(plan, { targets: ['debian-12'], architectures: ['arm64'], stages });

  it('keeps the steps of its targets and architectures in all stages, because inputs are looked up in them', () =>
    expect(part('verify').steps.map(({ id }) => id)).toEqual([
      ...['build', 'package', 'verify'].map((stage) => `${stage}:debian-12:arm64`),
    ]));

  it.each([
    [['build', 'package'] as const, ['bookworm-x86_64']],
    [['verify'] as const, ['bookworm-x86_64', 'bookworm-arm64']],
    [[] as const, []],
  ])('keeps only the base images that the stages %j start from', (stages, bases) =>
    expect(part(...stages).bases.map(({ id }) => id)).toEqual(bases),
  );
});
