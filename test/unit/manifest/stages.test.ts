import { describe, expect, it } from 'vitest';
import {
  compiles,
  isMadeFrom,
  judges,
  STAGES,
  stagesAfter,
  stagesOf,
  traitsOf,
} from '../../../src/manifest/stages.ts';

describe('the stages', () => {
  it('are ordered by their dependencies', () => {
    expect(STAGES).toEqual(['build', 'package', 'verify', 'image', 'boot']);
    expect(STAGES.map(stagesAfter)).toEqual([
      ['package', 'verify', 'image', 'boot'],
      ['verify', 'image', 'boot'],
      ['image', 'boot'],
      ['boot'],
      [],
    ]);
  });

  it('include one that compiles and one that judges', () => {
    expect(STAGES.filter(compiles)).toEqual(['build']);
    expect(STAGES.filter(judges)).toEqual(['verify', 'boot']);
  });

  it("start from the target's base image if they run programs of the target", () => {
    for (const stage of STAGES) {
      const { bases, runsTarget } = traitsOf(stage);
      expect(bases).toEqual(runsTarget ? ['base', 'targetBase'] : ['base']);
    }
    expect(STAGES.filter((stage) => traitsOf(stage).runsTarget)).toEqual(['verify', 'image']);
  });

  it('are made from earlier ones of their pipeline, and images from packages alone', () => {
    const from = (stage: (typeof STAGES)[number]) => STAGES.filter((each) => isMadeFrom(stage, each));
    expect(from('verify')).toEqual(['build', 'package', 'verify']);
    expect(from('image')).toEqual(['package', 'image', 'boot']);
  });

  it('describe a package that lacks them', () => {
    expect(STAGES.map((stage) => traitsOf(stage).undone)).toEqual([
      ...['not built', 'not packaged', 'not verified', 'no image built', 'not booted'],
    ]);
  });
});

describe('stagesOf', () => {
  it('returns the stages of a pipeline, and the stage of the same name otherwise', () => {
    expect(stagesOf('release')).toEqual(['build', 'package', 'verify']);
    expect(stagesOf('image')).toEqual(['image', 'boot']);
    for (const stage of STAGES.filter((each) => each !== 'image')) expect(stagesOf(stage)).toEqual([stage]);
  });

  it('omits stages that judge for --no-verify', () => {
    expect(stagesOf('release', false)).toEqual(['build', 'package']);
    expect(stagesOf('image', false)).toEqual(['image']);
    expect(stagesOf('build', false)).toEqual(['build']);
  });
});
