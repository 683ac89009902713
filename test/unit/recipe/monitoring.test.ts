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
    ['accepts an alert', rules(alert), true],
    ['accepts several rules', rules(alert, { record: 'a:b', expr: 'b' }, alert), true],
    ['accepts several groups', { groups: [...rules(alert).groups, ...rules(alert).groups] }, true],
    ['refuses an empty list of groups', { groups: [] }, false],
    ['refuses a group without rules', rules(), false],
    [
      'refuses an alert without a summary',
      rules({ ...alert, annotations: { summary: '', description: 'x' } }),
      false,
    ],
    ['refuses an unknown severity', rules({ ...alert, labels: { severity: 'page' } }), false],
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
    ['accepts two panels', board(panel, panel), true],
    ['refuses a dashboard without panels', board(), false],
    ['accepts a panel of the full width', board({ ...panel, size: [24, 1] }), true],
    ['refuses a panel wider than the grid', board({ ...panel, size: [25, 1] }), false],
    ['refuses a panel without width', board({ ...panel, size: [0, 4] }), false],
    ['refuses a panel without height', board({ ...panel, size: [6, 0] }), false],
    ['refuses a panel without queries', board({ ...panel, targets: [] }), false],
  ])('%s', (_, value, ok) => expect(dashboardSchema.safeParse(value).success).toBe(ok));
});
