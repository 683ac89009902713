import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const WORKFLOW = '.github/workflows/release.yml';
let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
  mkdirSync(join(dir, '.github'));
  cpSync(join(root, '.github/workflows'), join(dir, '.github/workflows'), { recursive: true });
  cpSync(join(root, 'action.yml'), join(dir, 'action.yml'));
});

const lint = () =>
  new Promise<{ code: number; output: string }>((resolve) => {
    execFile(process.execPath, [join(root, 'scripts/lint-workflows.js'), dir], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
const change = (file: string, from: string, to: string) => {
  const text = readFileSync(join(dir, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(dir, file), text.replace(from, to));
};

it('finds no problem in this repository', async () => {
  const { code, output } = await lint();
  expect(output).toMatch(/^3 workflows, 1 action, \d+ run blocks: 0 problems/);
  expect(code).toBe(0);
});

it.each([
  ['workflows', '.github', 'no workflows'],
  ['action', 'action.yml', 'no action.yml'],
])('fails if there is no %s', async (_, name, problem) => {
  rmSync(join(dir, name), { recursive: true });
  const { code, output } = await lint();
  expect(output).toContain(problem);
  expect(code).toBe(1);
});

it('fails for planted faults, and names each', async () => {
  const pinned = /@[0-9a-f]{40}/.exec(readFileSync(join(dir, WORKFLOW), 'utf8'))?.[0] ?? '';
  // actionlint, action-validator, shellcheck, then our rules
  const faults: [file: string, from: string, to: string, problem: string][] = [
    [WORKFLOW, 'needs.due.outputs.version', 'needs.due.outputs.verison', '"verison" is not defined'],
    ['action.yml', 'using: composite', 'using: compound', 'action.yml: OneOf conditions are not met'],
    ['action.yml', '--out "$OUT" --to', '--out $OUT --to', 'SC2086'],
    ['action.yml', '--to "$TO"', `--to "\${{ inputs.to }}"`, 'a run block contains an expression'],
    [WORKFLOW, 'update-lock: true', 'update-locks: true', 'has no input update-locks'],
    [WORKFLOW, pinned, '@v7', 'is not pinned'],
    [WORKFLOW, 'contents: read', 'id-token: write', 'due has id-token: write'],
  ];
  for (const [file, from, to] of faults) change(file, from, to);
  const { code, output } = await lint();
  for (const [, , , problem] of faults) expect(output).toContain(problem);
  expect(code).toBe(1);
});
