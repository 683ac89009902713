import { describe, expect, it } from 'vitest';
import { compiles, judges, STAGES, stagesAfter, stagesOf, traitsOf } from '../../../src/manifest/stages.ts';

describe('the stages', () => {
  it('are ordered by their dependencies', () => {
    expect(STAGES).toEqual(['build', 'package', 'verify']);
    expect(STAGES.map(stagesAfter)).toEqual([['package', 'verify'], ['verify'], []]);
  });

  it('include one that compiles and one that judges', () => {
    expect(STAGES.filter(compiles)).toEqual(['build']);
    expect(STAGES.filter(judges)).toEqual(['verify']);
  });

  it("start from the target's base image if they run programs of the target", () => {
    for (const stage of STAGES) {
      const { bases, runsTarget } = traitsOf(stage);
      expect(bases).toEqual(runsTarget ? ['base', 'targetBase'] : ['base']);
    }
    expect(STAGES.filter((stage) => traitsOf(stage).runsTarget)).toEqual(['verify']);
  });

  it('describe a package that lacks them', () => {
    expect(STAGES.map((stage) => traitsOf(stage).undone)).toEqual([
      ...['not built', 'not packaged', 'not verified'],
    ]);
  });
});

describe('stagesOf', () => {
  it('returns all stages for release, and the stage of the same name otherwise', () => {
    expect(stagesOf('release')).toEqual(STAGES);
    for (const stage of STAGES) expect(stagesOf(stage)).toEqual([stage]);
  });

  it('omits stages that judge for --no-verify', () => {
    expect(stagesOf('release', false)).toEqual(['build', 'package']);
    expect(stagesOf('build', false)).toEqual(['build']);
  });
});
