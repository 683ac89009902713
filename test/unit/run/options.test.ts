import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addOptions } from '../../../src/cli/options.ts';
import {
  architecturesOption,
  type CommonOptions,
  countOption,
  defaultJobs,
  givenFlags,
  imageOption,
  listOption,
  mirrorOption,
  type OptionName,
  requireKnownMirrors,
  selectionOption,
} from '../../../src/run/options.ts';
import { target } from '../../support/plan-facts.ts';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

it('givenFlags lists the flags of given options, limited to those that the table counts', () => {
  const { options } = addOptions(new Command(), 'release');
  const positive = options.filter(({ negate }) => !negate);
  const counts = Object.fromEntries(positive.map((option) => [option.attributeName(), true]));
  const given = Object.fromEntries(options.map((option) => [option.attributeName(), 'given']));
  expect(givenFlags(given as CommonOptions, counts as Record<OptionName, boolean>)).toEqual(
    positive.map(({ long }) => long),
  );
  expect(givenFlags({ lock: 'x' }, counts as Record<OptionName, boolean>)).toEqual(['--lock']);
});

describe('list options', () => {
  it.each<[string[] | undefined, string[] | undefined]>([
    [undefined, undefined],
    [[], undefined],
    [[',', ''], undefined],
    [['b,a'], ['b', 'a']],
    [
      ['b,', 'a', 'b'],
      ['b', 'a'],
    ],
  ])('%j gives %j', (words, list) => expect(listOption(words)).toEqual(list));

  it('architecturesOption accepts any spelling', () => {
    expect(architecturesOption(undefined)).toBeUndefined();
    expect(architecturesOption(['amd64,arm64'])).toEqual(['x86_64', 'arm64']);
  });

  it('selectionOption splits checks and advisories, and defaults to empty lists', () => {
    expect(selectionOption({})).toEqual({ only: [], skip: [], reason: undefined, accept: [] });
    expect(
      selectionOption({ only: ['elf,relay'], skip: ['relay.a'], reason: 'no', accept: ['CVE-1', 'CVE-2'] }),
    ).toEqual({ only: ['elf', 'relay'], skip: ['relay.a'], reason: 'no', accept: ['CVE-1', 'CVE-2'] });
  });
});

describe('--mirror', () => {
  it.each<[string[] | undefined, ReturnType<typeof mirrorOption>]>([
    [undefined, { debian: undefined, security: undefined, named: {} }],
    [['https://a.test/debian//'], { debian: 'https://a.test/debian', security: undefined, named: {} }],
    [['debian=http://a.test'], { debian: 'http://a.test', security: undefined, named: {} }],
    [['debian-security=http://a.test/'], { debian: undefined, security: 'http://a.test', named: {} }],
    [
      [
        'http://a.test',
        'ubuntu=https://b.test/u/',
        'ubuntu/arm64=https://c.test',
        'el.9-x/x86_64=http://d.test',
      ],
      {
        debian: 'http://a.test',
        security: undefined,
        named: {
          ubuntu: 'https://b.test/u',
          'ubuntu/arm64': 'https://c.test',
          'el.9-x/x86_64': 'http://d.test',
        },
      },
    ],
  ])('%j gives %j', (words, mirrors) => expect(mirrorOption(words)).toEqual(mirrors));

  it.each([
    'a.test/debian',
    'ftp://a.test',
    'http://',
    'Ubuntu=http://a.test',
    'ubuntu/riscv64=http://a.test',
    '=http://a.test',
    'see http://a.test',
    'http://a.test b',
    'http://a.test:99999',
  ])('refuses %j', (word) => {
    expect(() => mirrorOption([word])).toThrow(/^Invalid --mirror .*: expected URL or NAME=URL$/);
  });

  it.each(['http://a.test?x', 'ubuntu=http://a.test/#x'])(
    'refuses %s, because paths are appended to it',
    (word) => {
      expect(() => mirrorOption([word])).toThrow(/the URL must not have a query or fragment/);
    },
  );

  it('does not show the password of a refused URL', () => {
    for (const word of ['http://me:secret@a.test?x', 'ftp://me:secret@a.test'])
      expect(() => mirrorOption([word])).toThrow(/^(?!.*secret)/);
  });

  const targets = [target('debian-13'), target('el9'), target('ubuntu-24.04')];

  it('accepts the names of archives and repositories, also for one architecture', () => {
    const names = targets.flatMap(({ archive, sysroot }) => [
      ...(archive === undefined ? [] : [archive.name]),
      ...(sysroot?.repositories ?? []).map(({ mirror }) => mirror),
    ]);
    expect(names.length).toBeGreaterThan(1);
    for (const name of ['debian', 'debian-security', ...names])
      for (const each of [name, `${name}/arm64`])
        expect(() => requireKnownMirrors({ [each]: 'http://a.test' }, targets)).not.toThrow();
  });

  it('refuses an unknown name, and lists the known ones in order', () => {
    expect(() => requireKnownMirrors({ debian: 'http://a.test', ubunto: 'http://a.test' }, targets)).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        message: 'Unknown archive "ubunto" in --mirror: no recipe uses it',
        hint: expect.stringMatching(/^Known: debian, debian-security, el9, .*ubuntu\.$/),
      }),
    );
    expect(() => requireKnownMirrors({ 'ubunto/arm64': 'http://a.test' }, targets)).toThrow(/ubunto\/arm64/);
    expect(() => requireKnownMirrors({ ubunto: 'http://a.test' }, [...targets].reverse())).toThrow(
      expect.objectContaining({
        hint: expect.stringMatching(/^Known: debian, debian-security, el9, .*ubuntu\.$/),
      }),
    );
  });
});

describe('countOption', () => {
  it.each([
    [undefined, undefined],
    ['1', 1],
    ['12', 12],
  ])('%j gives %j', (word, count) => expect(countOption('jobs', word)).toBe(count));

  it.each(['0', '-1', '1.5', 'two', ''])('refuses %j', (word) => {
    expect(() => countOption('jobs', word)).toThrow(
      `Invalid --jobs "${word}": expected a whole number of at least 1`,
    );
  });
});

it.each([
  [0, 1],
  [1, 1],
  [3, 3],
  [64, 4],
])('with %i processors, the default is %i jobs', (processors, jobs) => {
  vi.spyOn(os, 'cpus').mockReturnValue(Array.from({ length: processors }, () => ({}) as os.CpuInfo));
  syncBuiltinESMExports();
  expect(defaultJobs()).toBe(jobs);
});

describe('--verify-on', () => {
  it('accepts a pinned image, or none', () => {
    const image = `almalinux:9@sha256:${'a'.repeat(64)}`;
    expect(imageOption(image)).toBe(image);
    expect(imageOption(undefined)).toBeUndefined();
  });

  it('refuses an unpinned image', () => {
    expect(() => imageOption('almalinux:9')).toThrow(
      /^Invalid --verify-on "almalinux:9": expected an image pinned by digest$/,
    );
  });
});
