import { describe, expect, it } from 'vitest';
import { TurnbuildError } from '../../../src/errors.ts';
import type { Command } from '../../../src/plan/command.ts';
import type { PlannedStep } from '../../../src/plan/types.ts';
import type { StageContext } from '../../../src/stages/shared/context.ts';
import { removeAbandoned, required, startLab } from '../../../src/stages/shared/lab-container.ts';

/** Owners of an engine's containers and images, by name. `dead` and `dying` have exited. */
interface Engine {
  containers: Record<string, string>;
  images: Record<string, string>;
}

/** Removes what is abandoned on an engine. Returns the commands that change something. */
async function removed({ containers, images }: Engine): Promise<string[]> {
  const changes: string[] = [];
  const answer = ({ args, effect }: Command): string => {
    const [verb, noun] = args;
    if (effect === 'write') changes.push(args.join(' '));
    else if (verb === 'ps')
      return Object.entries(containers)
        .map((each) => `${each.join(' ')}\n`)
        .join('');
    else if (verb === 'image' && noun === 'ls')
      return Object.keys(images)
        .map((name) => `${name}\n`)
        .join('');
    else if (verb === 'image' && noun === 'inspect') {
      const name = args.at(-1) ?? '';
      return images[name] === undefined ? '' : `${name} ${images[name]}\n`;
    } else throw new Error(`unexpected command: docker ${args.join(' ')}`);
    return '';
  };
  const io = {
    exec: async (command: Command) => ({ code: 0, stdout: answer(command), stderr: '' }),
    leftovers: { isAbandoned: (owner: string) => owner !== 'alive' },
  };
  await removeAbandoned({ io, engine: undefined } as unknown as StageContext);
  return changes;
}

const both = (name: string) => [`rm --force --volumes ${name}`, `image rm --force ${name}`];

describe('removeAbandoned', () => {
  it('removes the container and the image of a killed process', async () =>
    expect(await removed({ containers: { lab: 'dead' }, images: { lab: 'dead' } })).toEqual(both('lab')));

  it('removes an image whose process was killed before the image had a container', async () =>
    expect(await removed({ containers: {}, images: { lab: 'dead', other: 'dying' } })).toEqual([
      ...both('lab'),
      ...both('other'),
    ]));

  it('removes the container of a killed process whose image has no label or is gone', async () =>
    expect(await removed({ containers: { lab: 'dead' }, images: {} })).toEqual(both('lab')));

  it('keeps what belongs to a running process', async () =>
    expect(await removed({ containers: { lab: 'alive' }, images: { lab: 'alive', early: 'alive' } })).toEqual(
      [],
    ));
});

const STEP = { id: 'boot:aws:arm64' } as PlannedStep;
const COPY: Command = { file: 'docker', args: ['cp'], effect: 'write' };
const unavailable = (stderr: string) => new TurnbuildError('LAB_UNAVAILABLE', stderr);

/** The context of a docker that prints these lines and fails. */
const failing = (...lines: string[]) =>
  ({
    io: {
      signal: new AbortController().signal,
      exec: async (_: Command, options: { onLine?: (line: string) => void } = {}) => {
        for (const line of lines) options.onLine?.(line);
        return { code: 1, stdout: '', stderr: `${lines.join('\n')}\n` };
      },
    },
    onLine: () => {},
  }) as unknown as StageContext;

describe('a command of a laboratory', () => {
  it.each([
    [
      'Error response from daemon: write /inputs/disk: no space left on device',
      'DISK_FULL',
      /^boot:aws:arm64: no space left on the disk of the Docker engine\n/,
    ],
    [
      'write /dist/out/machine.json: no space left on device',
      'DISK_FULL',
      /^boot:aws:arm64: no space left on this machine's disk\n/,
    ],
    ['Error response from daemon: no such device', 'LAB_UNAVAILABLE', /no such device$/],
  ])('that fails with "%s" reports %s', async (line, code, message) =>
    expect(required(STEP, failing(line), COPY, unavailable)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    }),
  );
});

describe('startLab', () => {
  const start = (...lines: string[]) =>
    startLab(STEP, failing(...lines), COPY, { code: 'BOOT_FAILED', hint: '', unavailable });

  it.each([
    [['zstd: error 70 : Write error : cannot write block : No space left on device'], 'DISK_FULL'],
    [['first boot: serves clients after 30 s', 'Error: ENOSPC: no space left on device, write'], 'DISK_FULL'],
    [['turnbuild-error: LAB_NO_NAMESPACES: unshare failed'], 'LAB_NO_NAMESPACES'],
    [['Error response from daemon: no such device'], 'LAB_UNAVAILABLE'],
    [['Error: QEMU ended with 1'], 'BOOT_FAILED'],
  ])('of a laboratory that prints %j reports %s', async (lines, code) =>
    expect(start(...lines)).rejects.toMatchObject({ code }),
  );
});
