import type { Argument, Command, Option } from 'commander';
import { expect, it } from 'vitest';

// The bundle defines it, too. The page does not contain the version.
Object.assign(globalThis, { TURNBUILD_VERSION: '0.0.0' });
const { program } = await import('../../../src/cli/program.ts');

const cell = (text: string) => text.replaceAll('|', String.raw`\|`).replaceAll('<', '&lt;');

/** The end of --help, after the options: examples and exit codes, as a code block. */
function textAfter(command: Command): string {
  const whole: string[] = [];
  command.configureOutput({ writeOut: (text) => whole.push(text) }).outputHelp();
  const [, after = ''] = whole.join('').split(/^ {2}-h, --help .*\n/m);
  return after.trim();
}

function rowOf({ flags, description, defaultValue }: Option): string {
  const text = defaultValue === undefined ? description : `${description} (default: ${defaultValue})`;
  return `| \`${flags.replaceAll('|', String.raw`\|`)}\` | ${cell(text)} |`;
}

function sectionOf(command: Command): string {
  const words = command.registeredArguments.map((one: Argument) => {
    const name = `${one.name()}${one.variadic ? '...' : ''}`;
    return one.required ? `<${name}>` : `[${name}]`;
  });
  const usage = ['turnbuild', command.name(), ...words].join(' ');
  const lines = command.registeredArguments
    .filter(({ description }) => description !== '')
    .map((one) => `- \`${one.name()}\`: ${one.description}`);
  const options = command.options.filter(({ hidden }) => !hidden);
  const table =
    options.length === 0 ? [] : ['| option | meaning |', '| --- | --- |', ...options.map(rowOf), ''];
  return [
    `## turnbuild ${command.name()}`,
    '',
    command.description(),
    '',
    `    ${usage}${options.length === 0 ? '' : ' [options]'}`,
    '',
    ...(lines.length === 0 ? [] : [...lines, '']),
    ...table,
    '```text',
    textAfter(command),
    '```',
  ].join('\n');
}

it('docs/cli.md lists every command and option (to update it: npx vitest run --project unit test/unit/cli -u)', async () => {
  const sections = program.commands.map(sectionOf);
  const text = [
    '<!-- Generated from the option table (src/cli) by test/unit/cli/reference.test.ts. Do not edit. -->',
    '# Command-line reference',
    '',
    `Every command has \`--help\`. Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted ([all error codes](exit-codes.md)).`,
    '',
    ...program.commands.map(
      (command) => `- [\`turnbuild ${command.name()}\`](#turnbuild-${command.name()}): ${command.summary()}`,
    ),
    '',
    sections.join('\n\n'),
    '',
  ].join('\n');
  expect(sections.length).toBeGreaterThan(10);
  await expect(text).toMatchFileSnapshot('../../../docs/cli.md');
});
