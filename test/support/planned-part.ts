import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CHECKS } from '../../src/checks/index.ts';
import { sha256Bytes, sha256Text } from '../../src/io/files.ts';
import { kindOfPackageFile } from '../../src/manifest/package-kinds.ts';
import { type Artifact, MANIFEST_SCHEMA, type Manifest, manifestSchema } from '../../src/manifest/schema.ts';
import { formatManifest } from '../../src/manifest/store.ts';
import { skippedBecause } from '../../src/plan/check-selection.ts';
import { formatPlan, parsePlan, planDigest } from '../../src/plan/document.ts';
import { releaseVersion } from '../../src/plan/package-version.ts';
import { debOf } from './deb-builder.ts';
import { sbomOf } from './packaged-release.ts';

/**
 * Writes what `turnbuild release --plan` leaves for one package, with a small package and verdicts that all passed, so that `collect` and
 * `publish` accept it.
 * @param file plan.json
 * @param part.fails one check fails
 */
export function plannedPart(
  file: string,
  { target, arch, out, fails = false }: Record<'target' | 'arch' | 'out', string> & { fails?: boolean },
): void {
  const plan = parsePlan(file, readFileSync(file, 'utf8'), sha256Text);
  const dir = join(out, plan.coturn.version);
  const made = new Map<string, Artifact[]>();
  const steps = plan.steps.filter((step) => step.target === target && step.arch === arch);
  const recipe = plan.targets.find(({ name }) => name === target);
  if (recipe === undefined) throw new Error(`the plan has no target ${target}`);
  const records = steps.map((step): Manifest['steps'][number] => {
    const isPackage = step.stage === 'package';
    const paths = isPackage ? step.outputs : step.outputs.map((output) => `${output}/facts.txt`);
    const outputs = paths.map((path): Artifact => {
      const bytes = contentOf(path, releaseVersion(plan.coturn));
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), bytes);
      const kind = isPackage ? kindOfPackageFile(path) : step.stage === 'build' ? 'build' : 'verify';
      return { path, kind, size: bytes.length, sha256: sha256Bytes(bytes), target, arch: step.arch };
    });
    made.set(step.id, outputs);
    const isFailed = fails && step.stage === 'verify';
    const checks = CHECKS.filter(({ applies }) => applies?.(recipe) ?? true).map((check) => ({
      ...{ id: check.id, title: check.title, reason: check.reason, message: '', figures: {} },
      ...(check.reference === undefined ? {} : { reference: check.reference }),
      status: skippedBecause(check.id, plan.choices.selection) === undefined ? 'passed' : 'deselected',
    }));
    const [first] = checks;
    if (isFailed && first !== undefined) Object.assign(first, { status: 'failed', message: 'planted' });
    return {
      ...{ id: step.id, stage: step.stage, target, arch: step.arch, key: step.key, planned: step.key },
      ...{ bases: {}, status: isFailed ? 'failed' : 'done', seconds: 1, outputs },
      inputs: step.needs.flatMap((id) => (made.get(id) ?? []).map(({ path, sha256 }) => ({ path, sha256 }))),
      ...(step.stage === 'verify' ? { checks } : {}),
    } as Manifest['steps'][number];
  });
  const { turnbuild, coturn, source, advisories } = plan;
  const manifest = manifestSchema.parse({
    ...{ schema: MANIFEST_SCHEMA, turnbuild, plan: planDigest(plan, sha256Text), coturn, source, advisories },
    ...{ packageVersion: releaseVersion(coturn), bases: [], steps: records },
  });
  writeFileSync(join(dir, 'plan.json'), formatPlan(plan, sha256Text));
  writeFileSync(join(dir, 'manifest.json'), formatManifest(manifest, sha256Text));
}

function contentOf(path: string, version: string): Buffer {
  if (path.endsWith('.deb')) return packageOf(path);
  return Buffer.from(
    path.endsWith('.cdx.json') ? sbomOf(path.replace(/\.cdx\.json$/, ''), version) : `${path}\n`,
  );
}

function packageOf(path: string): Buffer {
  const [name = '', version = '', architecture = ''] = path
    .replace(/^.*\//, '')
    .replace(/\.deb$/, '')
    .split('_');
  const control = `Package: ${name}
Version: ${version}
Architecture: ${architecture}
Maintainer: Packages <packages@example.org>
Description: a package of a test
`;
  return debOf(control, { data: Buffer.from(path) });
}
