import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseRecipe, parseRecipeFile } from '../../../src/recipe/parse.ts';
import { releaseSchema, targetSchema } from '../../../src/recipe/schema.ts';

import { target } from '../../support/plan-facts.ts';

const folder = new URL('../../../recipes/targets/', import.meta.url);
const good = readFileSync(new URL('debian-13.yaml', folder), 'utf8');

const SYSROOT = '{ repositories: [{ mirror: el9, path: "os/{arch}" }], keys: [/keys/el9] }';
/** A recipe for .rpm packages with this sysroot. */
const rpm = (sysroot: string) => `${good.replace('format: deb', 'format: rpm')}\nsysroot: ${sysroot}\n`;

function issues(text: string) {
  const result = parseRecipe(text, targetSchema);
  return result.ok ? [] : result.issues;
}

describe('target recipes', () => {
  it.each(readdirSync(folder))('%s is valid and named like its file', (file) => {
    const name = file.replace('.yaml', '');
    expect(target(name).name).toBe(name);
  });

  it('lists every issue with its line', () => {
    const text = good
      .replace('format: deb', 'format: debb')
      .replace('label: deb13', 'label: 12')
      .replace('tools:', 'toolz:');
    const found = issues(text);
    const line = (start: string) => text.split('\n').findIndex((each) => each.startsWith(start)) + 1;
    expect(found.map((issue) => issue.line)).toEqual(
      expect.arrayContaining([line('format:'), line('label:'), line('toolz:')]),
    );
    expect(found.length).toBeGreaterThanOrEqual(4);
  });

  it('accepts a sysroot for .rpm packages', () => expect(issues(rpm(SYSROOT))).toEqual([]));

  it('suggests the nearest key', () => {
    expect(
      issues(good.replace('libraries:', 'librarys:'))
        .map((issue) => issue.message)
        .join(),
    ).toMatch(/"librarys"; did you mean "libraries"/);
  });

  it.each([
    ['a word instead of a list', good.replace('architectures: [arm64, x86_64]', 'architectures: arm64')],
    ['an unknown architecture', good.replace('arm64, x86_64', 'arm64, riscv64')],
    ['a duplicate key', `${good}\nformat: deb\n`],
    ['an unpinned image', `${good}\nbaseImage: debian:12\n`],
    ['an empty document', ''],
    ['broken YAML', 'name: [debian'],
    ['a .deb without a label', good.replace('label: deb13\n', '')],
    ['a glibc version written as a number', `${good}\nglibc: 2.34\n`],
    [
      'a static library with an incompatible license',
      `${good}\nstaticLibraries: { names: [], sources: [], licenses: { readline: GPL-3.0-or-later } }\n`,
      'staticLibraries.licenses.readline',
    ],
    ['a sysroot for a .deb', `${good}\nsysroot: ${SYSROOT}\n`],
    ['a sysroot without keys', rpm(SYSROOT.replace(/keys: .*\]/, 'keys: []'))],
    ['a repository path without an architecture', rpm(SYSROOT.replace('{arch}', 'x86_64'))],
    ['a URL as repository path', rpm(SYSROOT.replace('os/{arch}', 'https://a/{arch}'))],
    [
      'a sysroot together with static libraries',
      `${rpm(SYSROOT)}staticLibraries: { names: [], sources: [], licenses: {} }\n`,
      'sysroot',
    ],
  ])('refuses %s', (_, text, path?: string) => {
    expect(issues(text)).not.toEqual([]);
    if (path !== undefined) expect(issues(text).map((issue) => issue.path)).toEqual([path]);
  });

  it('names the file and the line in the error', () => {
    expect(() => parseRecipeFile('targets/x.yaml', good.replace('suite:', 'suit:'), targetSchema)).toThrow(
      /targets\/x\.yaml:\d+:.*suit/s,
    );
  });
});

describe('release recipe', () => {
  const text = readFileSync(new URL('../../../recipes/release.yaml', import.meta.url), 'utf8');

  it('is valid', () => expect(parseRecipe(text, releaseSchema).ok).toBe(true));

  it.each([
    [
      'an inverted relay range',
      text.replace('minPort: 49152', 'minPort: 65535').replace('maxPort: 65534', 'maxPort: 2000'),
    ],
    ['a maintainer without an address', text.replace(/maintainer:.*/, 'maintainer: nobody')],
    ['a revision of 0', text.replace('revision: 1', 'revision: 0')],
  ])('refuses %s', (_, changed) => expect(parseRecipe(changed, releaseSchema).ok).toBe(false));
});

describe('issues', () => {
  const shape = z.strictObject({
    name: z.string(),
    list: z.array(z.strictObject({ size: z.number(), kind: z.string() })),
    deep: z.strictObject({ number: z.number() }),
    words: z.array(z.string()).optional(),
  });
  const found = (text: string) => {
    const result = parseRecipe(text, shape);
    return result.ok ? [] : result.issues.map(({ line, path }) => `${line} ${path}`);
  };

  it.each([
    ['a wrong value: the line of its key', 'name: 5\nlist: []\ndeep: { number: 1 }', ['1 name']],
    [
      'a wrong value in a list: its own line',
      'name: x\nlist:\n  - size: 1\n    kind: a\n  - size: x\n    kind: b\ndeep:\n  number: 1',
      ['5 list.1.size'],
    ],
    [
      'a missing key: the line of the object that lacks it',
      'name: x\nlist:\n  - kind: a\ndeep:\n  number: 1',
      ['3 list.0.size'],
    ],
    ['a missing top-level key: the first line', 'name: x\nlist: []', ['1 deep']],
    [
      'a missing top-level key: the first line, even if it is a comment',
      '# x\n\nname: x\nlist: []',
      ['1 deep'],
    ],
    [
      'a wrong value below its key: the line of the key',
      'name:\n  5\nlist: []\ndeep:\n  number:\n    x',
      ['1 name', '5 deep.number'],
    ],
    [
      'a wrong list element: its own line',
      'name: x\nlist: []\ndeep: { number: 1 }\nwords:\n  - a\n  - 5',
      ['6 words.1'],
    ],
    ['an unknown key: its own line', 'name: x\nlist: []\ndeep:\n  number: 1\n  other: 2', ['5 deep']],
    [
      'several issues: in the order of their lines',
      'deep:\n  number: x\n\nlist:\n  - size: y\n    kind: z\nname: 1\nmore: 2',
      ['2 deep.number', '5 list.0.size', '7 name', '8 '],
    ],
  ])('report %s', (_, text, expected) => expect(found(text)).toEqual(expected));

  it('are counted in the message, in singular or plural', () => {
    const message = (text: string) => {
      try {
        parseRecipeFile('x.yaml', text, shape);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(message('name: 5\nlist: []\ndeep: { number: 1 }')).toMatch(
      /^The recipe has one issue:\n {2}x.yaml:1: name: /,
    );
    expect(message('name: 5\nlist: 1\ndeep: { number: 1 }')).toMatch(/^The recipe has 2 issues:/);
  });

  it('have no position in the messages of broken YAML', () =>
    expect(issues('name: x\nlabel: [a\n')).toEqual([
      { line: 3, path: '', message: expect.stringMatching(/^Flow sequence .*$/) },
    ]));

  it('suggest nothing for a key without a similar one', () =>
    expect(issues(`${good}\nqqqqqqq: 1\n`).map(({ message }) => message)).toEqual(['unknown key "qqqqqqq"']));
});

describe('combinations of keys', () => {
  const pinned = `debian@sha256:${'a'.repeat(64)}`;
  const asRpm = good.replace('format: deb', 'format: rpm');

  it.each([
    ['verifyOn in a .deb', `${good}\nverifyOn: ${pinned}\n`, ['verifyOn']],
    ['verifyOn in an .rpm', `${asRpm}\nverifyOn: ${pinned}\n`, []],
    ['a sysroot for a .deb', `${good}\nsysroot: ${SYSROOT}\n`, ['sysroot']],
    [
      'a sysroot and static libraries',
      `${rpm(SYSROOT)}staticLibraries: { names: [], sources: [], licenses: {} }\n`,
      ['sysroot'],
    ],
    [
      'static libraries without a sysroot',
      `${asRpm}\nstaticLibraries: { names: [], sources: [], licenses: {} }\n`,
      [],
    ],
    ['an .rpm without a label', asRpm.replace('label: deb13\n', ''), []],
  ])('report the keys at fault: %s', (_, text, expected) =>
    expect(issues(text).map(({ path }) => path)).toEqual(expected),
  );

  it.each([
    [49152, 49152, true],
    [49152, 49151, false],
  ])('accept relay ports from %i to %i: %s', (minPort, maxPort, ok) => {
    const text = readFileSync(new URL('../release.yaml', folder), 'utf8');
    const changed = text
      .replace(/minPort: *\d+/, `minPort: ${minPort}`)
      .replace(/maxPort: *\d+/, `maxPort: ${maxPort}`);
    expect(parseRecipe(changed, releaseSchema).ok).toBe(ok);
  });
});
