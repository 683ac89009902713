import { expect, it } from 'vitest';
import { jsonText } from '../../../src/ui/output.ts';

it.each([
  ['\u007f', '\\u007f'],
  ['\u009b', '\\u009b'],
  ['\u202e', '\\u202e'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['\u200b\ufeff', '\\u200b\\ufeff'],
  ['\u{e0041}', '\\udb40\\udc41'],
])('%j is escaped in JSON, and can be read back', (text, escaped) => {
  expect(jsonText(`a${text}b`)).toBe(`"a${escaped}b"\n`);
  expect(JSON.parse(jsonText({ [text]: text }))).toEqual({ [text]: text });
});

it('leaves letters and emoji as they are', () =>
  expect(jsonText('\u00fc \u{1f600}')).toBe('"\u00fc \u{1f600}"\n'));
