import { describe, expect, it } from 'vitest';
import { dashboardSchema, rulesSchema } from '../../../src/recipe/monitoring.ts';

const alert = {
  alert: 'TurnDown',
  expr: 'up == 0',
  labels: { severity: 'critical' },
  annotations: { summary: 'It is down', description: 'Start it.' },
};
const rules = (...list: unknown[]) => ({ groups: [{ name: 'coturn', rules: list }] });

describe('rulesSchema', () => {
  it.each([
    ['an alert', rules(alert), true],
    ['several rules', rules(alert, { record: 'a:b', expr: 'b' }, alert), true],
    ['several groups', { groups: [...rules(alert).groups, ...rules(alert).groups] }, true],
    ['no group', { groups: [] }, false],
    ['a group without a rule', rules(), false],
    ['an alert without words', rules({ ...alert, annotations: { summary: '', description: 'x' } }), false],
    ['an alert of an unknown severity', rules({ ...alert, labels: { severity: 'page' } }), false],
  ])('%s', (_, value, ok) => expect(rulesSchema.safeParse(value).success).toBe(ok));
});

describe('dashboardSchema', () => {
  const panel = {
    title: 'Sessions',
    type: 'stat',
    size: [6, 4],
    targets: [{ expr: 'a' }, { expr: 'b' }],
    fieldConfig: { defaults: {} },
  };
  const board = (...panels: unknown[]) => ({ title: 'x', uid: 'x', templating: { list: [] }, panels });

  it.each([
    ['two panels', board(panel, panel), true],
    ['none', board(), false],
    ['the widest panel', board({ ...panel, size: [24, 1] }), true],
    ['one that is wider than the grid', board({ ...panel, size: [25, 1] }), false],
    ['one without columns', board({ ...panel, size: [0, 4] }), false],
    ['one without rows', board({ ...panel, size: [6, 0] }), false],
    ['one without queries', board({ ...panel, targets: [] }), false],
  ])('%s', (_, value, ok) => expect(dashboardSchema.safeParse(value).success).toBe(ok));
});
