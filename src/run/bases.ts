import { join } from 'node:path';
import { type Lender, lenderOf } from '../plan/bases.ts';
import type { PlannedBase } from '../plan/types.ts';
import { prepareBase } from '../stages/base.ts';
import { findBase, layoutOf } from '../stages/shared/bases.ts';
import type { ReadyBase } from '../stages/shared/context.ts';
import type { TaskGroup } from '../ui/tasks.ts';
import { ownArch } from './builder.ts';
import type { Graph, GraphNode } from './graph.ts';
import { ioOfTask, type PlannedRelease, type Session } from './session.ts';
import { logFile, type ManifestStore } from './step.ts';
import { withLog } from './step-log.ts';

/** Id of a base image's node in the graph. */
export const baseNodeId = (name: string) => `base:${name}`;

/** The base images of a plan as nodes of the graph. A lender comes before the images that borrow its tools. */
export function baseNodes({ plan }: PlannedRelease): GraphNode[] {
  return plan.bases.map((base) => {
    const lender = lenderOf(base, plan.bases, ownArch());
    return {
      id: baseNodeId(base.id),
      needs: [],
      // Not a need: if the lender fails, this image is bootstrapped with its own tools.
      after: lender === undefined ? [] : [baseNodeId(lender.id)],
      kind: 'docker',
      emulated: false,
      rank: -1,
    };
  });
}

/** Tasks that prepare the base images of a plan and add them to `bases`. */
export function baseGroups(
  session: Session,
  release: PlannedRelease,
  graph: Graph,
  { bases, store }: { bases: Map<string, ReadyBase>; store: ManifestStore },
): TaskGroup[] {
  const { bases: planned } = release.plan;
  const lender = async (base: PlannedBase) => {
    const from = lenderOf(base, planned, ownArch());
    return from !== undefined && bases.has(from.id) ? lenderFor(session, from) : undefined;
  };
  return planned.map((base) => ({
    title: `base image ${base.id}`,
    tasks: [
      {
        title: base.image === undefined ? 'bootstrap' : 'official image',
        turn: async (work) => {
          await graph.perform(baseNodeId(base.id), work);
          return undefined;
        },
        run: (show) =>
          performBase(session, release, base, { bases, store, show, lender: () => lender(base) }),
      },
    ],
  }));
}

/** Path of recipes/docker/image, the build context for official images. */
export const imageFolder = ({ dir }: Pick<Session['recipes'], 'dir'>) => `${dir}/docker/image`;

/** The tools that a base image lends. In a dry run, ROOT stands for the tar of an image that does not exist yet. */
export async function lenderFor(
  { io, recipes, cache, mirrors }: Session,
  base: PlannedBase,
): Promise<Lender> {
  const { dir, digest } = await findBase(base, mirrors, { io, cache, imageFolder: imageFolder(recipes) });
  const tar = digest === undefined ? `${dir}/ROOT` : await io.rootLayer(layoutOf(dir, digest), digest);
  return { arch: base.arch, tar, tools: `${recipes.dir}/docker/native` };
}

async function performBase(
  session: Session,
  { dir, builder }: PlannedRelease,
  base: PlannedBase,
  to: {
    bases: Map<string, ReadyBase>;
    store: ManifestStore;
    show: (text: string) => void;
    lender: () => Promise<Lender | undefined>;
  },
): Promise<string> {
  const { cache, mirrors, options, recipes } = session;
  const io = ioOfTask(session, to.show);
  const id = baseNodeId(base.id);
  const refresh = options.refreshBase === true;
  const ready = await withLog(session, { path: join(dir, logFile(id)), id, show: to.show }, (onLine) =>
    prepareBase(base, {
      ...{ io, cache, mirrors, refresh, builder, lender: to.lender, onLine },
      chosenBuilder: options.builder,
      imageFolder: imageFolder(recipes),
    }),
  );
  to.bases.set(base.id, ready);
  const { origin, digest, packages } = ready;
  await to.store.recordBase({
    ...{ name: base.id, suite: base.suite, arch: base.arch, origin, digest },
    ...(base.image === undefined ? {} : { image: base.image }),
    ...(packages === undefined ? {} : { packages }),
  });
  return digest.slice(0, 19);
}
