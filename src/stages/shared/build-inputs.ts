import { sourceFile } from './artifacts.ts';
import type { PlannedContext, StageContext } from './context.ts';

/** Digests of the inputs of compilation: name -> SHA-256. The sources' digest is the plan's. */
export async function digestBuildInputs(context: PlannedContext): Promise<Record<string, string>> {
  const { files } = context.io;
  const { series, prometheusClient, includes } = context.plan.needs;
  const patches = await Promise.all(series.map((name) => files.digestFiles(`${context.patches}/${name}`)));
  return {
    source: context.plan.source?.tree ?? 'none',
    patches: files.sha256Text(patches.join()),
    includes: await files.digestFiles(context.patches, includes),
    client: prometheusClient ? await files.digestFiles(`${context.patches}/prometheus-client`) : 'none',
  };
}

/** Collects the inputs of compilation in a folder: the sources, patches in their order, headers, and the Prometheus client. */
export async function collectBuildInputs(context: StageContext, inputs: string): Promise<void> {
  const { files } = context.io;
  const { series, prometheusClient, includes } = context.plan.needs;
  await files.copyInto(sourceFile(context), `${inputs}/coturn.tar`);
  const lines: string[] = [];
  for (const name of series) {
    await files.copyInto(`${context.patches}/${name}`, `${inputs}/patches/${name}`);
    lines.push(
      ...seriesEntries(await files.readText(`${context.patches}/${name}/series`)).map(
        (patch) => `${name}/${patch}`,
      ),
    );
  }
  await files.writeText(`${inputs}/patches/series`, lines.map((line) => `${line}\n`).join(''));
  for (const name of includes)
    await files.copyInto(`${context.patches}/${name}`, `${inputs}/include/${name}`);
  await files.writeText(
    `${inputs}/cppflags`,
    `${includes.map((name) => `-include /inputs/include/${name}`).join(' ')}\n`,
  );
  if (prometheusClient)
    await files.copyInto(`${context.patches}/prometheus-client`, `${inputs}/prometheus-client`);
}

/** The patches of a quilt series file, without blank lines and comments. */
function seriesEntries(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}
