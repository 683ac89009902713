import { describe, expect, it } from 'vitest';
import {
  architecturesOf,
  compilesOn,
  inspectBuilderCommand,
  parseBuilder,
  parseEngine,
} from '../../../src/plan/builder.ts';

/** What `docker buildx inspect` prints, with a line of platforms for each node. */
const inspected = (...nodes: string[]) =>
  [
    'Name:          farm',
    'Driver:        docker-container',
    'Last Activity: 2026-11-01 06:38:25 +0000 UTC',
    '',
    'Nodes:',
    ...nodes.flatMap((platforms, index) => [
      `Name:             farm${index}`,
      'Status:           running',
      `Platforms:        ${platforms}`,
    ]),
  ].join('\n');
const AMD64 = 'linux/amd64, linux/amd64/v2, linux/amd64/v3, linux/386';

describe('a builder', () => {
  it.each([
    [
      'one node with QEMU',
      [`${AMD64}, linux/arm64`],
      ['x86_64', 'arm64'],
      { arm64: 'x86_64', x86_64: 'x86_64' },
    ],
    ['one node without QEMU', [AMD64], ['x86_64'], { arm64: 'x86_64', x86_64: 'x86_64' }],
    [
      'a native node for each architecture',
      [AMD64, 'linux/arm64, linux/arm/v7'],
      ['x86_64', 'arm64'],
      { arm64: 'arm64', x86_64: 'x86_64' },
    ],
    [
      'an emulating first node, and a native one without explicit platforms',
      [`${AMD64}, linux/arm64`, 'linux/arm64'],
      ['x86_64', 'arm64'],
      { arm64: 'x86_64', x86_64: 'x86_64' },
    ],
    [
      'an emulating first node, and a native one with an explicit platform',
      [`${AMD64}, linux/arm64`, 'linux/arm64*, linux/amd64'],
      ['x86_64', 'arm64'],
      { arm64: 'arm64', x86_64: 'x86_64' },
    ],
    [
      'an arm64 machine',
      ['linux/arm64, linux/amd64'],
      ['arm64', 'x86_64'],
      { arm64: 'arm64', x86_64: 'arm64' },
    ],
    [
      'a node whose first platform is unsupported',
      ['linux/arm/v7, linux/arm64'],
      ['arm64'],
      { arm64: 'arm64', x86_64: 'arm64' },
    ],
  ] as const)('with %s compiles where buildx sends the build', (_, nodes, architectures, expected) => {
    const builder = parseBuilder(inspected(...nodes));
    expect(builder).toMatchObject({ name: 'farm', driver: 'docker-container' });
    expect(architecturesOf(builder)).toEqual(architectures);
    expect({ arm64: compilesOn(builder, 'arm64'), x86_64: compilesOn(builder, 'x86_64') }).toEqual(expected);
  });

  it.each([
    ['nodes that are not started', ['']],
    ['nodes of unsupported platforms', ['linux/riscv64, windows/amd64']],
  ])('with %s compiles nothing', (_, nodes) => {
    const builder = parseBuilder(inspected(...nodes));
    expect(architecturesOf(builder)).toEqual([]);
    expect(compilesOn(builder, 'arm64')).toBeUndefined();
  });
});

it('parseBuilder ignores trailing blanks', () => {
  const text = inspected('linux/arm64*, linux/amd64*');
  expect(parseBuilder(text.replaceAll('\n', '  \n').concat('  '))).toEqual(parseBuilder(text));
});

it('inspectBuilderCommand names the given builder, or inspects the current one', () => {
  expect(inspectBuilderCommand('far', true).args).toEqual(['buildx', 'inspect', '--bootstrap', 'far']);
  expect(inspectBuilderCommand(undefined, false).args).toEqual(['buildx', 'inspect']);
});

it('parseBuilder returns no driver and no nodes for an engine that does not answer', () => {
  const text =
    'Name:          default\nDriver:        \nLast Activity: 2026-11-01 06:38:25 +0000 UTC\n\nNodes:\nName:     default\nStatus:   \nPlatforms: \nLabels:\n';
  expect(parseBuilder(text)).toEqual({ name: 'default', driver: '', nodes: [] });
});

it('parseBuilder returns the error of an unreachable engine, although buildx exits with 0', () => {
  const text =
    'Name:   default\nDriver: \nError:  permission denied while trying to connect to the Docker daemon socket\n';
  expect(parseBuilder(text).error).toBe(
    'permission denied while trying to connect to the Docker daemon socket',
  );
  // With platforms, only one of several nodes is unreachable.
  expect(parseBuilder(`${text}Platforms: linux/amd64\n`).error).toBeUndefined();
});

describe('parseEngine', () => {
  it.each([
    ['20.10.24+dfsg1 [["Backing Filesystem","extfs"]]', false, false],
    ['22.0.6 null', false, false],
    ['23.0.0 null', true, false],
    ['26.1.5+dfsg1 [["Backing Filesystem","extfs"]]', true, false],
    ['29.0.1 [["driver-type","io.containerd.snapshotter.v1"]]', true, true],
    [' null', false, false],
  ])('%s: new enough: %s, accepts OCI layouts: %s', (text, suitable, ociLayouts) =>
    expect(parseEngine(text)).toMatchObject({ suitable, ociLayouts }),
  );
});
