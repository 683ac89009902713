import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/plan/command.ts';
import type { StageContext } from '../../../src/stages/shared/context.ts';
import { removeAbandoned } from '../../../src/stages/shared/lab-container.ts';

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
