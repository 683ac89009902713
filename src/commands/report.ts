import { dirname } from 'node:path';
import { EXIT } from '../errors.ts';
import { readText, sha256Text } from '../io/files.ts';
import { parseManifest } from '../manifest/store.ts';
import type { CommonOptions } from '../run/options.ts';
import { projectOut } from '../run/project-options.ts';
import { isCapable } from '../run/session.ts';
import { renderMarkdown } from '../ui/markdown.ts';
import type { Output } from '../ui/output.ts';
import { renderSummary } from '../ui/summary.ts';
import { findManifest } from './find-manifest.ts';

/** Options of `turnbuild report`. */
export interface ReportOptions extends CommonOptions {
  markdown?: boolean;
}

/** `turnbuild report`: prints the summary of a release again, for people or as Markdown. */
export async function report(
  path: string | undefined,
  options: ReportOptions,
  output: Output,
): Promise<number> {
  const file = await findManifest(path ?? (await projectOut()) ?? 'dist');
  const manifest = parseManifest(file, await readText(file), sha256Text);
  if (options.json === true) output.data(manifest);
  else if (options.markdown === true) output.line(renderMarkdown(manifest));
  else {
    const color = isCapable(process.stdout, process.env);
    const columns = color ? process.stdout.columns : 100;
    output.styled(renderSummary(manifest, { dir: dirname(file), columns, color }));
  }
  return EXIT.ok;
}
