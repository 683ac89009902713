// Bundles src/cli.ts into lib/: a small entry, and chunks that load when a command needs them.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { version, dependencies } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Digest of a stage's code, without comments, file names, the order of modules and unused code. It includes constants.
 */
async function codeOf(stage) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`src/stages/${stage}`],
    bundle: true,
    write: false,
    minifySyntax: true,
    legalComments: 'none',
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  // esbuild writes a comment with the file name before each module.
  const modules = outputFiles[0].text.split(/^\/\/ src\/.*$/m).map((text) => text.trim());
  if (modules.length < 2)
    throw new Error(`${stage}: esbuild no longer writes a comment with the file name of each module`);
  return createHash('sha256').update(JSON.stringify(modules.sort())).digest('hex');
}

/** Digests of the stages of src/manifest/stages.ts. Each is a file or a folder in src/stages. */
async function codeOfStages() {
  const { outputFiles } = await build({
    entryPoints: [`${root}/src/manifest/stages.ts`],
    write: false,
    format: 'esm',
  });
  const { STAGES } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  const entries = STAGES.map(async (name) => {
    const file = existsSync(`${root}/src/stages/${name}.ts`) ? `${name}.ts` : `${name}/index.ts`;
    return [name, await codeOf(file)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

rmSync(new URL('../lib', import.meta.url), { recursive: true, force: true });
// The program of the laboratory's container, which has the distribution's Node (18 in Debian 12). One file, no packages.
for (const [source, program] of [
  ['lab/main.ts', 'lab.mjs'],
  ['lab/machine/main.ts', 'boot.mjs'],
])
  await build({
    entryPoints: [fileURLToPath(new URL(`../src/${source}`, import.meta.url))],
    outfile: fileURLToPath(new URL(`../lib/${program}`, import.meta.url)),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
  });
await build({
  entryPoints: [fileURLToPath(new URL('../src/cli.ts', import.meta.url))],
  outdir: fileURLToPath(new URL('../lib', import.meta.url)),
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'linked',
  define: {
    TURNBUILD_VERSION: JSON.stringify(version),
    STAGE_CODE: JSON.stringify(await codeOfStages()),
  },
  // Bundle commander, which --help needs. Other packages stay external.
  external: Object.keys(dependencies).filter((name) => name !== 'commander'),
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
