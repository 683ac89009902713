import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOutput, jsonText } from '../../../src/ui/output.ts';

afterEach(() => vi.restoreAllMocks());

/** The output on each stream. */
function written(json: boolean, print: (output: ReturnType<typeof createOutput>) => void) {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      texts[name] += text;
      return true;
    });
  print(createOutput(json));
  vi.restoreAllMocks();
  return texts;
}

describe('createOutput', () => {
  it("replaces control characters, and keeps turnbuild's own styles only in styled lines", () =>
    expect(
      written(false, ({ line, styled }) => {
        line('\u001b[31ma\tb');
        styled('\u001b[31mred\u001b[0m\u001b[2J');
      }),
    ).toEqual({ stdout: '?[31ma\tb\n\u001b[31mred\u001b[0m?[2J\n', stderr: '' }));

  it('writes only the document to standard output with --json', () => {
    const { stdout, stderr } = written(true, ({ line, styled, data }) => {
      line('a line');
      styled('a style');
      data({ a: ['\u009b2J\u007f\u001b'] });
    });
    expect(stderr).toBe('a line\na style\n');
    expect(JSON.parse(stdout)).toEqual({ a: ['\u009b2J\u007f\u001b'] });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may reach a terminal
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });
});

it.each([
  ['\u007f', '\\u007f'],
  ['\u009b', '\\u009b'],
  ['\u202e', '\\u202e'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['\u200b\ufeff', '\\u200b\\ufeff'],
  ['\u{e0041}', '\\udb40\\udc41'],
])('%j is escaped reversibly in JSON', (text, escaped) => {
  expect(jsonText(`a${text}b`)).toBe(`"a${escaped}b"\n`);
  expect(JSON.parse(jsonText({ [text]: text }))).toEqual({ [text]: text });
});

it('letters and emoji are not escaped in JSON', () =>
  expect(jsonText('\u00fc \u{1f600}')).toBe('"\u00fc \u{1f600}"\n'));
