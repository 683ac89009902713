import { serve } from './http-server.ts';
import { temporaryFolder } from './sandbox.ts';
import { turnbuildHere } from './turnbuild-here.ts';

/** A GitHub with these releases of coturn. @returns its address */
export async function coturnReleases(versions: readonly string[]): Promise<string> {
  const { url } = await serve((_, response) => {
    response.setHeader('content-type', 'application/json');
    const list = versions.map((tag_name) => ({ tag_name, draft: false, prerelease: false }));
    response.end(JSON.stringify(list));
  });
  return url;
}

/** `turnbuild due` on a machine where upstream has the given versions. @returns its document, or the run if it fails */
export async function dueWith(
  versions: readonly string[],
  args: readonly string[],
  { cwd = temporaryFolder(), env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Record<string, unknown>> {
  const GITHUB_API_URL = await coturnReleases(versions);
  const own = { GITHUB_API_URL, GITHUB_TOKEN: '', GH_TOKEN: '', ...env };
  const run = await turnbuildHere(['due', ...args, '--json'], { cwd, env: own });
  return run.code === 0 ? JSON.parse(run.stdout) : { ...run };
}
