import { describe, expect, it } from 'vitest';
import {
  architecturesOf,
  compilesOn,
  inspectBuilderCommand,
  parseBuilder,
  parseEngine,
} from '../../../src/plan/builder.ts';

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
      'a native node for each',
      [AMD64, 'linux/arm64, linux/arm/v7'],
      ['x86_64', 'arm64'],
      { arm64: 'arm64', x86_64: 'x86_64' },
    ],
    [
      'a first node that emulates, and a native one that is not named explicitly',
      [`${AMD64}, linux/arm64`, 'linux/arm64'],
      ['x86_64', 'arm64'],
      { arm64: 'x86_64', x86_64: 'x86_64' },
    ],
    [
      'a first node that emulates, and a native one that is named explicitly',
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
      'a node that names a processor first that turnbuild does not know',
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
    ['nodes that have not been started', ['']],
    ['nodes of other processors', ['linux/riscv64, windows/amd64']],
  ])('with %s compiles nowhere', (_, nodes) => {
    const builder = parseBuilder(inspected(...nodes));
    expect(architecturesOf(builder)).toEqual([]);
    expect(compilesOn(builder, 'arm64')).toBeUndefined();
  });
});

it('a builder is read whatever blanks end its lines', () => {
  const text = inspected('linux/arm64*, linux/amd64*');
  expect(parseBuilder(text.replaceAll('\n', '  \n').concat('  '))).toEqual(parseBuilder(text));
});

it('a builder is asked for by its name, and the current one without', () => {
  expect(inspectBuilderCommand('far', true).args).toEqual(['buildx', 'inspect', '--bootstrap', 'far']);
  expect(inspectBuilderCommand(undefined, false).args).toEqual(['buildx', 'inspect']);
});

it('an engine that does not answer is a builder without driver and nodes', () => {
  const text =
    'Name:          default\nDriver:        \nLast Activity: 2026-11-01 06:38:25 +0000 UTC\n\nNodes:\nName:     default\nStatus:   \nPlatforms: \nLabels:\n';
  expect(parseBuilder(text)).toEqual({ name: 'default', driver: '', nodes: [] });
});

it('an engine that can not be reached is a builder with the reason, although buildx ends with 0', () => {
  const text =
    'Name:   default\nDriver: \nError:  permission denied while trying to connect to the Docker daemon socket\n';
  expect(parseBuilder(text).error).toBe(
    'permission denied while trying to connect to the Docker daemon socket',
  );
  // One of its nodes may be unreachable.
  expect(parseBuilder(`${text}Platforms: linux/amd64\n`).error).toBeUndefined();
});

describe('an engine', () => {
  it.each([
    ['20.10.24+dfsg1 [["Backing Filesystem","extfs"]]', false, false],
    ['22.0.6 null', false, false],
    ['23.0.0 null', true, false],
    ['26.1.5+dfsg1 [["Backing Filesystem","extfs"]]', true, false],
    ['29.0.1 [["driver-type","io.containerd.snapshotter.v1"]]', true, true],
    [' null', false, false],
  ])('%s: is new enough: %s, takes OCI layouts: %s', (text, suitable, ociLayouts) =>
    expect(parseEngine(text)).toMatchObject({ suitable, ociLayouts }),
  );
});
