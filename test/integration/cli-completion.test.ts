import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/sandbox.ts';

const program = fileURLToPath(new URL('../../bin/turnbuild.js', import.meta.url));
const printed = (shell: string) =>
  execFileSync(process.execPath, [program, 'completion', shell], { encoding: 'utf8' });
const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

/** Completions that each shell must offer after some words, the last of which is being typed. */
const OFFERS: [typed: string, offered: string[], not: string[]][] = [
  ['', ['release', 'doctor', 'completion'], ['--arch']],
  ['release ', ['--arch', '--no-verify', '4.6.1', 'latest'], ['bash']],
  ['release --ar', ['--arch'], ['--target']],
  ['doctor --', ['--fix'], ['--arch']],
  ['release --arch ', ['arm64', 'x86_64'], ['--json']],
  ['plan --target deb', ['debian-12', 'debian-13'], ['portable']],
  ['release --target debian-12,deb', ['debian-12,debian-13'], ['debian-13']],
  ['verify --only metr', ['metrics', 'metrics.names'], ['relay']],
  ['verify --skip relay,network.t', ['relay,network.ttl'], []],
  ['release --accept CVE-2026-7321', ['CVE-2026-73213', 'CVE-2026-73215'], ['coturn-2043']],
  ['lint-config --accept peer-a', ['peer-allowed'], ['CVE-2026-73213']],
  ['lint-config --accept inv', ['invalid-user'], ['invalid-acceptance']],
  ['lint-config --version ', ['4.6.1'], []],
  ['lint-config --cloud ', ['aws', 'gce'], ['4.6.1']],
  ['source --source ', ['github', 'debian'], []],
  ['init --coturn ', ['4.6.1', 'latest'], []],
  ['init --target deb', ['debian-12', 'debian-13'], ['portable']],
  ['completion ', ['bash', 'zsh', 'fish'], []],
];

describe('bash', () => {
  let script: string;
  beforeAll(() => {
    script = printed('bash');
  });
  const complete = (words: string[]) =>
    execFileSync(
      'bash',
      [
        '-c',
        `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _turnbuild; printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        ...words,
      ],
      { encoding: 'utf8' },
    ).split('\n');

  it.each(OFFERS)('"turnbuild %s" offers %j, and not %j', (typed, offered, not) => {
    const found = complete(['turnbuild', ...typed.split(' ')]);
    expect(found).toEqual(expect.arrayContaining(offered));
    for (const word of not) expect(found).not.toContain(word);
  });

  it('completes --option=value, which bash splits into three words', () => {
    expect(complete(['turnbuild', 'plan', '--arch', '=', 'ar'])).toContain('arm64');
    expect(complete(['turnbuild', 'plan', '--arch', '='])).toContain('x86_64');
  });

  it('leaves file names to the shell', () =>
    expect(complete(['turnbuild', 'plan', '--lock', '']).filter(Boolean)).toEqual([]));
});

if (!has('fish')) console.log('fish is not installed: its completion is not tested');
describe.skipIf(!has('fish'))('fish (where it is installed)', () => {
  it.each(OFFERS)('"turnbuild %s" offers %j, and not %j', (typed, offered, not) => {
    const file = join(temporaryFolder(), 'turnbuild.fish');
    writeFileSync(file, printed('fish'));
    const script = 'source $argv[1]; complete -C "turnbuild $argv[2]"';
    const run = spawnSync('fish', ['-c', script, file, typed], { encoding: 'utf8' });
    const found = run.stdout.split('\n').map((line) => line.split('\t')[0]);
    // It lists options only once a dash is typed.
    const shown = typed.endsWith(' ') ? offered.filter((word) => !word.startsWith('-')) : offered;
    expect(found, run.stderr).toEqual(expect.arrayContaining(shown));
    for (const word of not) expect(found).not.toContain(word);
  });
});

if (!has('zsh')) console.log('zsh is not installed: its completion is not tested');
it.skipIf(!has('zsh'))('zsh loads the completion script (where it is installed)', () => {
  const script = `autoload -U compinit && compinit -u -D\n${printed('zsh')}\nprint -r -- "$_comps[turnbuild]"`;
  const { stdout, stderr } = spawnSync('zsh', ['-fc', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toContain('_turnbuild');
});

it('fish and zsh scripts contain the option values', () => {
  const fish = printed('fish');
  expect(fish).toContain("-l arch -x -a '(__fish_append , arm64 x86_64)'");
  expect(fish).toMatch(/__fish_seen_subcommand_from completion' -a 'bash zsh fish'/);
  expect(fish).toMatch(/from plan' -l lock -r$/m);
  expect(printed('zsh')).toMatch(/^autoload[\s\S]*"verify --only"\) words="[^"]*metrics\.names/);
});
