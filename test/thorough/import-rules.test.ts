import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'turnbuild-imports-'));
  for (const name of ['src', 'tsconfig.json', 'package.json', '.dependency-cruiser.cjs'])
    cpSync(join(root, name), join(dir, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const cruise = () => {
  const run = spawnSync(
    join(root, 'node_modules/.bin/depcruise'),
    ['src', '--config', '.dependency-cruiser.cjs'],
    { cwd: dir, encoding: 'utf8' },
  );
  return { code: run.status, text: run.stdout + run.stderr };
};

/** A file, a forbidden import, and the rule that must report it. */
const PLANTED = [
  ['plan/capacity.ts', '../io/exec.ts', 'plan-folders'],
  ['plan/capacity.ts', 'node:fs', 'plan-packages'],
  ['recipe/metrics.ts', '../plan/index.ts', 'recipe-folders'],
  ['errors.ts', './plan/command.ts', 'errors-folders'],
  ['stages/build.ts', './package.ts', 'no-stage-imports-another'],
  ['stages/build.ts', '../io/exec.ts', 'stages-folders'],
  ['stages/build.ts', 'execa', 'stages-packages'],
  ['ui/summary.ts', '../io/files.ts', 'ui-folders'],
  ['io/files.ts', '../stages/base.ts', 'io-folders'],
  ['manifest/store.ts', '../io/files.ts', 'manifest-folders'],
  ['packaging/sbom.ts', '../io/files.ts', 'packaging-folders'],
  ['sources/choice.ts', '../run/session.ts', 'sources-folders'],
  ['doctor/host.ts', '../run/session.ts', 'doctor-folders'],
  ['run/graph.ts', '../commands/plan.ts', 'run-folders'],
  ['run/graph.ts', 'listr2', 'run-packages'],
  ['commands/plan.ts', '../stages/build.ts', 'commands-folders'],
  ['checks/judge.ts', '../io/files.ts', 'checks-folders'],
  ['config/lint.ts', '../plan/capacity.ts', 'config-folders'],
  ['turn/values.ts', '../config/lint.ts', 'turn-folders'],
  ['lab/seen.ts', '../plan/command.ts', 'lab-folders'],
  ['cli.ts', './run/session.ts', 'cli-folders'],
] as const;

describe('the import table', () => {
  it('allows all imports of the code', () => expect(cruise().code).toBe(0));

  it('reports each planted import', () => {
    for (const [file, target] of PLANTED) appendFileSync(join(dir, 'src', file), `\nimport '${target}';\n`);
    const { code, text } = cruise();
    expect(code).not.toBe(0);
    for (const [file, , rule] of PLANTED) {
      expect(text).toMatch(new RegExp(`error ${rule}: src/${file.replace('.', '\\.')} `));
    }
  });
});
