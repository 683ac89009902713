import { expect, it } from 'vitest';
import { MAINTAINER } from '../../../src/recipe/schema.ts';

it.each([
  ['Jane Doe <jane@example.org>', true],
  ['Ünal Ö. <ops+turn@example.org>', true],
  ['Jane\nBuildRequires: evil <jane@example.org>', false],
  ['Jane %(touch /tmp/x) <jane@example.org>', false],
  ['Jane <jane@example.org%{nil}>', false],
  ['Jane <jane@example.org>\n%post', false],
  ['Jane\u001b[2J <jane@example.org>', false],
  ['Jane\u202e <jane@example.org>', false],
  ['Jane\u2028 <jane@example.org>', false],
  ['jane@example.org', false],
  ['李 四 <li@example.org>', true],
  ['\u00a0 <jane@example.org>', false],
  // Invisible letters, marks and a symbol.
  ...['\u3164', '\u115f', '\u2800', '\u034f', '\ufe0f', '\u{e0101}'].flatMap((blank): [string, boolean][] => [
    [`Jane${blank} <jane@example.org>`, false],
    [`Jane <jane${blank}@example.org>`, false],
    [`Jane <jane@example${blank}.org>`, false],
  ]),
])('MAINTAINER matches %j: %s', (text, valid) => expect(MAINTAINER.test(text)).toBe(valid));
