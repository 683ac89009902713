import type { Manifest, ManifestStep } from '../../manifest/schema.ts';
import type { PlanDocument } from '../../plan/document.ts';
import type { MadeFiles } from './release-files.ts';
import type { Resource } from './statement.ts';

/** What the provenance's parameters mean. */
export const BUILD_TYPE = 'https://github.com/turnbuild/turnbuild/blob/main/docs/verifying.md#build-type';
/** The program that builds. Who has run it is proved by the statement's signature, not by the statement. */
export const BUILDER = 'https://github.com/turnbuild/turnbuild';

/** The predicate of SLSA provenance v1: https://slsa.dev/spec/v1.0/provenance */
export interface Provenance {
  buildDefinition: {
    buildType: string;
    externalParameters: Record<string, unknown>;
    internalParameters: Record<string, unknown>;
    resolvedDependencies: Resource[];
  };
  runDetails: {
    builder: { id: string; version: Record<string, string> };
    metadata: { invocationId?: string; startedOn?: string; finishedOn?: string };
    byproducts: Resource[];
  };
}

/**
 * How files were built, as the manifest records it. It has no other facts: the same release folder gives the same provenance.
 * @param plan of the release. Steps that it does not describe, because it was replaced, have no digests of their single inputs.
 */
export function provenanceOf(
  made: MadeFiles,
  manifest: Manifest,
  plan: PlanDocument | undefined,
): Provenance {
  const { step, steps } = made;
  const { version, revision } = manifest.coturn;
  const { target, arch, cloud } = step;
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: {
        coturn: version,
        revision,
        ...given({ target, arch, cloud, source: manifest.source?.provider, maintainer: plan?.maintainer }),
        ...(cloud === undefined || planned(step, plan) === undefined ? {} : machineOf(plan)),
      },
      internalParameters: { steps: steps.map((each) => parametersOf(each, plan)) },
      resolvedDependencies: [
        ...sourceOf(manifest),
        ...recipesOf(steps, manifest),
        ...basesOf(steps, manifest),
        ...packagesOf(made, manifest),
      ],
    },
    runDetails: {
      builder: { id: BUILDER, version: { turnbuild: manifest.turnbuild } },
      metadata: { ...(manifest.plan === undefined ? {} : { invocationId: manifest.plan }), ...times(steps) },
      byproducts: steps.filter(({ id }) => id !== step.id).flatMap(({ outputs }) => outputs.map(resourceOf)),
    },
  };
}

const resourceOf = ({ path, sha256 }: { path: string; sha256: string }): Resource => ({
  name: path,
  digest: { sha256 },
});

/** Without the members that are undefined. */
function given(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** What the plan says about a step, if it was performed as planned. */
export function planned({ id, planned: key }: ManifestStep, plan: PlanDocument | undefined) {
  return plan?.steps.find((each) => each.id === id && each.key === key);
}

/** A step's key, and the digests that it was made from: of the recipe, patches, arguments and turnbuild's own code. */
function parametersOf(step: ManifestStep, plan: PlanDocument | undefined) {
  const { id, key, facts = {} } = step;
  const { inputs, buildArgs } = planned(step, plan) ?? {};
  const { patches, compiler, features } = facts;
  return { id, key, ...given({ inputs, buildArgs, compiler, features, patches }) };
}

/** The choices for an image: its disk, SSH server and extra packages. */
function machineOf(plan: PlanDocument | undefined) {
  const { sizeGiB, ssh, extra } = plan?.choices.machine ?? {};
  return given({ sizeGiB, ssh, extra });
}

/** The sources: the tarball, and the commit that it is of. */
function sourceOf({ source, coturn: { version } }: Manifest): Resource[] {
  if (source === undefined) return [];
  const { provider, location, sha256, tree, commit, gitTree } = source;
  const tarball: Resource = {
    name: `coturn ${version}, source tarball`,
    ...(provider === 'url' ? { uri: location } : {}),
    digest: { sha256 },
    annotations: {
      provider,
      // The path of a file is of no use to others, and may have a person's name in it.
      ...(provider === 'file' || provider === 'url' ? {} : { location }),
      treeDigest: tree,
    },
  };
  if (commit === undefined) return [tarball];
  const repository: Resource = {
    name: `coturn ${version}, git commit`,
    uri: 'git+https://github.com/coturn/coturn',
    digest: { gitCommit: commit },
    ...(gitTree === undefined ? {} : { annotations: { gitTree } }),
  };
  return [tarball, repository];
}

/** Where the recipes came from: the project's commit, and turnbuild, whose own are under them. */
function recipesOf(steps: readonly ManifestStep[], { turnbuild }: Manifest): Resource[] {
  const commits = new Map(
    steps.flatMap(({ recipes }) => (recipes === undefined ? [] : [[recipes.commit, recipes] as const])),
  );
  return [
    ...[...commits.values()].map(({ commit, modified, repository }) => ({
      name: 'recipes, git commit',
      ...(repository === undefined ? {} : { uri: `git+${repository}` }),
      digest: { gitCommit: commit },
      ...(modified === undefined ? {} : { annotations: { modified } }),
    })),
    { name: `turnbuild ${turnbuild}`, uri: `pkg:npm/turnbuild@${turnbuild}` },
  ];
}

/** The base images that the steps started from, with the versions of their packages and of those that a step added. */
function basesOf(steps: readonly ManifestStep[], { bases }: Manifest): Resource[] {
  const used = new Map(steps.flatMap((step) => Object.entries(step.bases)));
  return [...used].map(([name, digest]) => {
    const base = bases.find((each) => each.name === name && each.digest === digest);
    const { suite, arch, origin, image, packages } = base ?? {};
    const compiled = steps.find((step) => step.bases[name] === digest && step.facts?.toolchain !== undefined);
    const { toolchain, archive } = compiled?.facts ?? {};
    return {
      name: `base image ${name}`,
      ...(image === undefined ? {} : { uri: `docker://${image}` }),
      digest: digestSet(digest),
      annotations: given({ suite, arch, origin, packages, toolchain, archive }),
    };
  });
}

/** `sha256:…` -> a digest set. */
function digestSet(digest: string): Record<string, string> {
  const [, algorithm = 'sha256', hex = digest] = /^(\w+):(.+)$/.exec(digest) ?? [];
  return { [algorithm]: hex };
}

/** The packages that an image contains. */
function packagesOf({ step, steps }: MadeFiles, { steps: all }: Manifest): Resource[] {
  if (step.cloud === undefined) return [];
  const own = new Set(steps.map(({ id }) => id));
  const outputs = all.filter(({ id }) => own.has(id) && id !== step.id).flatMap((each) => each.outputs);
  return outputs.filter(({ kind }) => kind === 'deb').map(resourceOf);
}

/** When the first step began and the last one ended, if they are recorded. Times are those of the machines that built. */
function times(steps: readonly ManifestStep[]): { startedOn?: string; finishedOn?: string } {
  const ended = steps.flatMap(({ finished, seconds }) =>
    finished === undefined
      ? []
      : [{ end: Date.parse(finished), start: Date.parse(finished) - seconds * 1000 }],
  );
  if (ended.length === 0) return {};
  return {
    startedOn: timestamp(Math.min(...ended.map(({ start }) => start))),
    finishedOn: timestamp(Math.max(...ended.map(({ end }) => end))),
  };
}

/** RFC 3339, in whole seconds. */
const timestamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
