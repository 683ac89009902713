import { EXIT } from '../errors.ts';
import { sha256Text } from '../io/files.ts';
import { appendGithubFile } from '../io/github-output-file.ts';
import type { StageName } from '../manifest/stages.ts';
import { planDigest } from '../plan/document.ts';
import { githubOutput, matrixOf } from '../plan/github-output.ts';
import { releaseVersion } from '../plan/package-version.ts';
import { maintainerWarning } from '../run/maintainer-warning.ts';
import type { CommonOptions } from '../run/options.ts';
import { planRelease } from '../run/planning.ts';
import { openSession } from '../run/session.ts';
import type { Output } from '../ui/output.ts';

/** Options of `turnbuild plan`. */
export interface PlanOptions extends CommonOptions {
  githubOutput?: string;
}

/** `turnbuild plan`: prints the plan, for people or, as JSON, for a CI matrix and for `--plan` on other machines. */
export async function plan(
  version: string | undefined,
  stages: readonly StageName[],
  options: PlanOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const session = await openSession(options, output, signal, 'release');
  const wanted = version ?? session.coturn;
  const { plan: planned, source, document } = await planRelease(session, wanted, { stages, perform: false });
  if (options.githubOutput !== undefined) {
    const outputs = {
      version: document.coturn.version,
      matrix: matrixOf(document.steps),
      architectures: document.choices.architectures,
    };
    await appendGithubFile(options.githubOutput, githubOutput(outputs));
  }
  if (options.json === true) {
    output.data({ ...document, digest: planDigest(document, sha256Text) });
    return EXIT.ok;
  }
  output.line(`coturn ${releaseVersion(planned.coturn)} from ${source.location}`);
  for (const reason of planned.needs.reasons) output.line(`  patch: ${reason}`);
  for (const base of planned.bases)
    output.line(
      `  base image ${base.id}: ${base.image ?? `bootstrapped from the archive of ${base.archive?.name ?? 'debian'}`}`,
    );
  for (const step of planned.steps) output.line(`  ${step.id} -> ${step.outputs.join(', ')}`);
  for (const { severity, id, fixed, summary } of planned.advisories)
    output.line(`  known vulnerability: ${severity} ${id}, fixed in ${fixed}: ${summary}`);
  for (const line of maintainerWarning(planned, stages)) output.line(line);
  return EXIT.ok;
}
