// Bundles src/cli.ts into lib/: one small entry, everything else in chunks that are loaded when a command needs them.
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const { version, dependencies } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

rmSync(new URL('../lib', import.meta.url), { recursive: true, force: true });
await build({
  entryPoints: [fileURLToPath(new URL('../src/cli.ts', import.meta.url))],
  outdir: fileURLToPath(new URL('../lib', import.meta.url)),
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'linked',
  define: { TURNBUILD_VERSION: JSON.stringify(version) },
  // Commander is needed for --help and bundles well; the others stay packages of their own.
  external: Object.keys(dependencies).filter((name) => name !== 'commander'),
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
