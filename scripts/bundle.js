// Bundles src/cli.ts into lib/: one small entry, everything else in chunks that are loaded when a command needs them.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { version, dependencies } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

// What judges a package: a change of it, of a mere constant too, makes verify run again.
const digest = createHash('sha256');
for (const folder of ['stages/verify', 'config', 'turn', 'recipe']) {
  const dir = new URL(`../src/${folder}/`, import.meta.url);
  for (const name of readdirSync(dir).sort()) digest.update(readFileSync(new URL(name, dir)));
}

rmSync(new URL('../lib', import.meta.url), { recursive: true, force: true });
// The program of the laboratory's container, whose Node is the distribution's: Debian 12 has 18. One file, no packages.
await build({
  entryPoints: [fileURLToPath(new URL('../src/lab/main.ts', import.meta.url))],
  outfile: fileURLToPath(new URL('../lib/lab.mjs', import.meta.url)),
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
    CHECKS_DIGEST: JSON.stringify(digest.digest('hex')),
  },
  // Commander is needed for --help and bundles well; the others stay packages of their own.
  external: Object.keys(dependencies).filter((name) => name !== 'commander'),
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
