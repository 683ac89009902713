import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../../../src/io/exec.ts';
import { createIo } from '../../../src/io/index.ts';
import { createPlan } from '../../../src/plan/index.ts';
import { baseGroups, baseNodes, lenderFor } from '../../../src/run/bases.ts';
import { ownArch } from '../../../src/run/builder.ts';
import type { Graph } from '../../../src/run/graph.ts';
import type { PlannedRelease, Session } from '../../../src/run/session.ts';
import { findBase, layoutOf } from '../../../src/stages/shared/bases.ts';
import { releaseFacts } from '../../support/plan-facts.ts';
import { temporaryFolder } from '../../support/sandbox.ts';

const plan = createPlan({ ...releaseFacts, targets: ['debian-13'] });
const foreign = ownArch() === 'arm64' ? 'x86_64' : 'arm64';
const release = { plan } as PlannedRelease;

describe('base images in the graph of a release', () => {
  it('rank before steps, and a foreign one follows the one that lends it tools', () => {
    const node = (arch: string, after: string[]) => ({
      ...{ id: `base:trixie-${arch}`, needs: [], after, kind: 'docker', emulated: false, rank: -1 },
    });
    const byId = Object.fromEntries(baseNodes(release).map((each) => [each.id, each]));
    expect(byId).toEqual({
      [`base:trixie-${ownArch()}`]: node(ownArch(), []),
      [`base:trixie-${foreign}`]: node(foreign, [`base:trixie-${ownArch()}`]),
    });
  });

  it('are shown as bootstrap or as official image', () => {
    const [first, ...others] = plan.bases;
    if (first === undefined) throw new Error('a plan has base images');
    const image = `registry.test/trixie@sha256:${'0'.repeat(64)}`;
    const mixed = { plan: { ...plan, bases: [{ ...first, image }, ...others] } } as PlannedRelease;
    const groups = baseGroups({} as Session, mixed, {} as Graph, {
      ...{ bases: new Map(), store: {} as Parameters<typeof baseGroups>[3]['store'] },
    });
    expect(groups.map(({ title, tasks }) => [title, ...tasks.map((task) => task.title)])).toEqual([
      [`base image ${first.id}`, 'official image'],
      ...others.map(({ id }) => [`base image ${id}`, 'bootstrap']),
    ]);
  });
});

it('lenderFor returns the root file system of a base image, or a placeholder until it exists', async () => {
  const dir = temporaryFolder();
  const io = createIo(runProcess, new AbortController().signal);
  const session = {
    recipes: { dir: '/recipes' },
    cache: dir,
    mirrors: { debian: 'http://archive.test/debian', security: undefined, named: {} },
    io: { ...io, rootLayer: async (layout: string, digest: string) => `${layout} ${digest}` },
  } as unknown as Session;
  const [base] = plan.bases;
  if (base === undefined) throw new Error('a plan has base images');
  const found = await findBase(base, session.mirrors, {
    ...session,
    imageFolder: '/recipes/docker/image',
  });
  const rest = { arch: base.arch, tools: '/recipes/docker/native' };
  expect(await lenderFor(session, base)).toEqual({ ...rest, tar: `${found.dir}/ROOT` });
  const digest = `sha256:${'1'.repeat(64)}`;
  mkdirSync(found.dir, { recursive: true });
  writeFileSync(join(found.dir, 'digest'), `${digest}\n`);
  expect(await lenderFor(session, base)).toEqual({
    ...rest,
    tar: `${layoutOf(found.dir, digest)} ${digest}`,
  });
});
