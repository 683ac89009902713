import type { StageName } from '../manifest/stages.ts';
import { boot } from '../stages/boot.ts';
import { build } from '../stages/build.ts';
import { image } from '../stages/image.ts';
import { packageStage } from '../stages/package.ts';
import type { Stage } from '../stages/shared/context.ts';
import { verify } from '../stages/verify/index.ts';

/** SHA-256 of each stage's code, inserted by scripts/bundle.js. */
declare const STAGE_CODE: Readonly<Record<StageName, string>> | undefined;

/** Digest of a stage's code; tests run the sources unbundled. */
export function codeOf(stage: StageName): string {
  return typeof STAGE_CODE === 'undefined' ? 'not bundled' : STAGE_CODE[stage];
}

/** The implementation of each stage. The engine receives it as an argument, so that its tests need neither Docker nor coturn. */
export type StageTable = Readonly<Record<StageName, Stage>>;

export const STAGE_TABLE: StageTable = { build, package: packageStage, verify, image, boot };
