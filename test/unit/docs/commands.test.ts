import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

// The bundle defines it, too.
Object.assign(globalThis, { TURNBUILD_VERSION: '0.0.0' });
const { program } = await import('../../../src/cli/program.ts');

const ROOT = new URL('../../../', import.meta.url).pathname;
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
const workflows = '.github/workflows';
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'BENCHMARKS.md', 'CHANGELOG.md'],
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== 'cli.md')
    .map((name) => `docs/${name}`),
  ...readdirSync(join(ROOT, workflows)).map((name) => `${workflows}/${name}`),
];

/** The code blocks, without comments, and code spans of a document. A workflow consists of code. */
function codeOf(path: string): string {
  const text = readFileSync(join(ROOT, path), 'utf8')
    .replaceAll('\\\n', ' ')
    .replace(/(?<=\s)# .*$/gm, '');
  if (!path.endsWith('.md')) return text;
  const blocks = text.match(/^( {4}.*|```[\s\S]*?^```$)/gm) ?? [];
  const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span.replaceAll('\n', ' '));
  return [...blocks, ...spans].join('\n');
}

const NPX = String.raw`npx (?:--yes )?turnbuild(?:@[\d.]+)?`;
const COMMAND = new RegExp(
  String.raw`(?:${NPX}|bin/turnbuild\.js|(?<![\w./@-])turnbuild) ([a-z][\w-]*)([^\n#|]*)`,
  'g',
);

/** The commands and options that turnbuild does not have. */
function unknownIn(code: string): string[] {
  return [...code.matchAll(COMMAND)].flatMap(([all, name = '', words = '']) => {
    const command = program.commands.find((each) => each.name() === name);
    if (command === undefined) return [all.trim()];
    const known = ['--help', ...command.options.map(({ long }) => long)];
    const flags = words.match(/(?<=\s)--[a-z][a-z-]*/g) ?? [];
    return flags.filter((flag) => !known.includes(flag)).map((flag) => `${name} ${flag}`);
  });
}

describe.each(documents)('the commands in %s', (document) => {
  const code = codeOf(document);

  it('are commands and options of turnbuild', () => expect(unknownIn(code)).toEqual([]));

  it('are scripts of package.json', () => {
    const named = [...code.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

it('a document is searched for commands in blocks, spans and continued lines', () => {
  const code =
    'npx --yes turnbuild@0.1.0 relaese\nbin/turnbuild.js plan --jsn\nturnbuild verify 4.6.1 --out dist --cloud aws';
  expect(unknownIn(code)).toEqual(['npx --yes turnbuild@0.1.0 relaese', 'plan --jsn', 'verify --cloud']);
  expect(codeOf('README.md')).toContain('turnbuild image 4.18.0');
});
