import { describe, expect, it } from 'vitest';
import { adapted, buildOf } from '../../../scripts/bench/machine/command.js';

const WORDS = [
  ...['DOCKER_CLI_HINTS=false', 'docker', 'buildx', 'build', '--platform=linux/arm64'],
  ...['--file=/recipes/machine.Dockerfile', '--target=image', '--no-cache-filter=image-run'],
  ...['--build-context=base=a', '--build-context=target=b', '--build-arg=TOOLS=native'],
  ...['--build-arg=TOOLS_DIR=/x', '--output=type=local,dest=/out', '/recipes'],
];

describe('buildOf', () => {
  it('separates the options from the environment and the folder', () => {
    const { options, folder } = buildOf(WORDS);
    expect(options[0]).toBe('--platform=linux/arm64');
    expect(options.at(-1)).toBe('--output=type=local,dest=/out');
    expect(folder).toBe('/recipes');
  });

  it.each([[[]], [['docker', 'create', 'build']], [['#', 'image:aws:arm64:', 'up', 'to', 'date']]])(
    'refuses %j',
    (words) => expect(() => buildOf(words)).toThrow(RangeError),
  );
});

describe('adapted', () => {
  it('replaces what changes and keeps the rest', () => {
    const changes = {
      target: 'machine-root',
      output: 'type=cacheonly',
      contexts: { target: 'c' },
      args: { TOOLS: 'own' },
      fresh: ['one', 'two'],
    };
    expect(adapted(buildOf(WORDS), changes)).toEqual([
      ...['buildx', 'build', '--platform=linux/arm64', '--file=/recipes/machine.Dockerfile'],
      ...['--build-context=base=a', '--build-arg=TOOLS_DIR=/x'],
      ...['--target=machine-root', '--output=type=cacheonly', '--no-cache-filter=one,two'],
      ...['--build-context=target=c', '--build-arg=TOOLS=own', '/recipes'],
    ]);
  });

  it('takes everything else from the build cache', () => {
    const args = adapted(buildOf(WORDS), { target: 'boot', output: 'x' });
    expect(args.filter((arg) => arg.startsWith('--no-cache'))).toEqual([]);
  });

  it('builds another Dockerfile, elsewhere, for another platform', () => {
    const other = { file: '/bench/Dockerfile', folder: '/bench', platform: 'linux/amd64' };
    const args = adapted(buildOf(WORDS), { target: 'plain', output: 'x', ...other });
    expect(args.filter((arg) => /^--(file|platform)=/.test(arg))).toEqual([
      '--platform=linux/amd64',
      '--file=/bench/Dockerfile',
    ]);
    expect(args.at(-1)).toBe('/bench');
  });
});
