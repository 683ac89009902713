import type { StageName } from '../plan/types.ts';
import { build } from '../stages/build.ts';
import { packageStage } from '../stages/package.ts';
import type { Stage } from '../stages/shared/context.ts';
import { verify } from '../stages/verify/index.ts';

/** The work behind each stage's name. The engine receives it as an argument, so that its tests need neither Docker nor coturn. */
export type StageTable = Readonly<Record<StageName, Stage>>;

export const STAGE_TABLE: StageTable = { build, package: packageStage, verify };
