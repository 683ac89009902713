// Writes test/fixtures/github-api.json: the part of GitHub's API description that turnbuild uses, for the simulator of the tests.
// The package has the description under the MIT license. It is too large to install (385 MB), so it is downloaded and thrown away.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = '@octokit/openapi@23.0.2';
const SOURCE = 'package/generated/api.github.com.json';

/** Path -> methods. */
const PATHS = {
  '/repos/{owner}/{repo}': ['get'],
  '/repos/{owner}/{repo}/releases': ['get', 'post'],
  '/repos/{owner}/{repo}/releases/latest': ['get'],
  '/repos/{owner}/{repo}/releases/generate-notes': ['post'],
  '/repos/{owner}/{repo}/releases/{release_id}': ['get', 'patch', 'delete'],
  '/repos/{owner}/{repo}/releases/{release_id}/assets': ['get', 'post'],
  '/repos/{owner}/{repo}/releases/assets/{asset_id}': ['get', 'delete'],
};
/** The responses whose examples the simulator completes. */
const EXAMPLES = ['full-repository-default-response', 'release', 'release-asset'];

const work = mkdtempSync(join(tmpdir(), 'github-api-'));
try {
  const packed = execFileSync('npm', ['pack', '--silent', PACKAGE], { cwd: work, encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', packed, SOURCE], { cwd: work });
  const all = JSON.parse(readFileSync(join(work, SOURCE), 'utf8'));
  const paths = Object.fromEntries(
    Object.entries(PATHS).map(([path, methods]) => {
      const { parameters = [] } = all.paths[path];
      const operations = methods.map((method) => [method, all.paths[path][method]]);
      return [path, trimmed({ parameters, ...Object.fromEntries(operations) })];
    }),
  );
  const components = {};
  const collect = (value) => {
    for (const ref of JSON.stringify(value).matchAll(/"\$ref":"#\/components\/([^/"]+)\/([^"]+)"/g)) {
      const [, kind, name] = ref;
      components[kind] ??= {};
      if (components[kind][name] !== undefined) continue;
      components[kind][name] = trimmed(all.components[kind][name]);
      collect(components[kind][name]);
    }
  };
  collect(paths);
  components.examples = Object.fromEntries(EXAMPLES.map((name) => [name, all.components.examples[name]]));
  const { openapi, info } = all;
  const subset = {
    openapi,
    info: { title: info.title, version: info.version, license: info.license },
    paths,
    components,
  };
  const file = fileURLToPath(new URL('../test/fixtures/github-api.json', import.meta.url));
  const text = `${JSON.stringify(subset)}\n`;
  writeFileSync(file, text);
  process.stdout.write(`${file}: ${text.length} bytes\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Without prose and examples, which are most of the description. */
function trimmed(value) {
  if (Array.isArray(value)) return value.map(trimmed);
  if (typeof value !== 'object' || value === null) return value;
  const isSchemaMap = (key) => key === 'properties';
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, member]) =>
          !['example', 'examples', 'externalDocs', 'x-github'].includes(key) &&
          !(
            key === 'description' &&
            typeof member === 'string' &&
            !('content' in value) &&
            value.$ref === undefined &&
            !isResponse(value)
          ),
      )
      .map(([key, member]) =>
        isSchemaMap(key)
          ? [key, Object.fromEntries(Object.entries(member).map(([name, schema]) => [name, trimmed(schema)]))]
          : [key, trimmed(member)],
      ),
  );
}

/** A response must have a description. */
function isResponse(value) {
  return 'description' in value && !('type' in value) && !('schema' in value) && !('operationId' in value);
}
