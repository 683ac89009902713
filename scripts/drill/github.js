// A simulated GitHub with one release of coturn: the part of its API that finds a release and downloads its sources.
import { createServer } from 'node:http';

/**
 * @param {{ version: string, commit: string, gitTree: string, tarball: Buffer }} release
 * @returns its URL; `appear()`, after which the release is there; `close()`
 */
export async function simulatedGithub({ version, commit, gitTree, tarball }) {
  let isThere = false;
  const api = '/repos/coturn/coturn';
  const answers = {
    [`${api}/git/ref/tags%2F${version}`]: { object: { type: 'commit', sha: commit } },
    [`${api}/git/commits/${commit}`]: { sha: commit, tree: { sha: gitTree } },
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (isThere && pathname === `${api}/tarball/${commit}`) {
      response.writeHead(200, { 'content-type': 'application/x-gzip', 'content-length': tarball.length });
      return response.end(tarball);
    }
    const found =
      pathname === `${api}/releases`
        ? isThere
          ? [{ tag_name: version, draft: false, prerelease: false }]
          : []
        : isThere
          ? answers[pathname]
          : undefined;
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? { message: 'Not Found' }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = server.address();
  return {
    url: `http://127.0.0.1:${port}`,
    appear() {
      isThere = true;
    },
    close: () => server.close(),
  };
}
