import { describe, expect, it } from 'vitest';
import { createPlan } from '../../../src/plan/index.ts';
import { STAGE_TABLE } from '../../../src/run/stage-table.ts';
import { packagesOf, stepNodes } from '../../../src/run/step-nodes.ts';
import { releaseFacts, target } from '../../support/plan-facts.ts';

const plan = createPlan({
  ...releaseFacts,
  knownTargets: ['debian-12', 'debian-13', 'portable'].map(target),
  targets: ['debian-12', 'portable', 'debian-13'],
});

describe('the steps of a plan', () => {
  it('begin with targets that compile libraries, and are grouped by package', () => {
    expect(packagesOf(plan, plan.steps).map((steps) => steps.map(({ id }) => id).join(' '))).toEqual(
      ['portable', 'debian-12', 'debian-13'].flatMap((name) =>
        ['arm64', 'x86_64'].map((arch) =>
          ['build', 'package', 'verify'].map((stage) => `${stage}:${name}:${arch}`).join(' '),
        ),
      ),
    );
  });

  it('need their base images and earlier steps, and are emulated only to verify foreign packages', () => {
    const nodes = stepNodes(plan, plan.steps, STAGE_TABLE);
    expect(nodes.find(({ id }) => id === 'verify:debian-13:arm64')).toEqual({
      id: 'verify:debian-13:arm64',
      needs: ['base:trixie-x86_64', 'base:trixie-arm64', 'build:debian-13:arm64', 'package:debian-13:arm64'],
      after: [],
      kind: 'docker',
      emulated: true,
      rank: 4,
    });
    expect(nodes.filter(({ emulated }) => emulated).map(({ id }) => id)).toEqual(
      ['portable', 'debian-12', 'debian-13'].map((name) => `verify:${name}:arm64`),
    );
  });
});
