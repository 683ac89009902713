import { describe, expect, it } from 'vitest';
import { compiles, judges, STAGES, stagesAfter, stagesOf, traitsOf } from '../../../src/manifest/stages.ts';

describe('the stages', () => {
  it('are in the order in which the outputs of one go into the next', () => {
    expect(STAGES).toEqual(['build', 'package', 'verify']);
    expect(STAGES.map(stagesAfter)).toEqual([['package', 'verify'], ['verify'], []]);
  });

  it('compile, or judge, or neither', () => {
    expect(STAGES.filter(compiles)).toEqual(['build']);
    expect(STAGES.filter(judges)).toEqual(['verify']);
  });

  it("start from the target's base image where they run its programs", () => {
    for (const stage of STAGES) {
      const { bases, runsTarget } = traitsOf(stage);
      expect(bases).toEqual(runsTarget ? ['base', 'targetBase'] : ['base']);
    }
    expect(STAGES.filter((stage) => traitsOf(stage).runsTarget)).toEqual(['verify']);
  });

  it('say what a package lacks without them', () => {
    expect(STAGES.map((stage) => traitsOf(stage).undone)).toEqual([
      ...['not built', 'not packaged', 'not verified'],
    ]);
  });
});

describe('stagesOf', () => {
  it('gives a release all of them, and each other command its own', () => {
    expect(stagesOf('release')).toEqual(STAGES);
    for (const stage of STAGES) expect(stagesOf(stage)).toEqual([stage]);
  });

  it('leaves out what judges for --no-verify', () => {
    expect(stagesOf('release', false)).toEqual(['build', 'package']);
    expect(stagesOf('build', false)).toEqual(['build']);
  });
});
