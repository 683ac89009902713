import { afterEach, describe, expect, it, vi } from 'vitest';
import { runProcess } from '../../../src/io/exec.ts';
import { createIo } from '../../../src/io/index.ts';
import { assumedBuilder } from '../../../src/run/builder.ts';
import {
  ioOfTask,
  isCapable,
  isPlain,
  type PlannedRelease,
  placeOf,
  type Session,
} from '../../../src/run/session.ts';

afterEach(() => void vi.unstubAllGlobals());

const session = (options: Session['options'] = {}, lockFolder?: Session['io']['lockFolder']): Session => {
  const io = createIo(runProcess, new AbortController().signal);
  return { options, io: lockFolder === undefined ? io : { ...io, lockFolder } } as Session;
};

/** Simulates output to a terminal or elsewhere. */
function stub({ isTTY = true, env }: { isTTY?: boolean; env?: NodeJS.ProcessEnv } = {}): void {
  const stdout = Object.create(process.stdout, { isTTY: { value: isTTY }, columns: { value: 80 } });
  vi.stubGlobal(
    'process',
    Object.create(process, { stdout: { value: stdout }, env: { value: { TERM: 'xterm', ...env } } }),
  );
}

describe('output', () => {
  it('is a live display on a terminal', () => {
    stub();
    expect(isPlain(session())).toBe(false);
    stub({ env: { CI: 'false' } });
    expect(isPlain(session({ verbose: false, json: false, dryRun: false }))).toBe(false);
  });

  it.each<[string, Session['options'], Parameters<typeof stub>[0]]>([
    ['--verbose', { verbose: true }, {}],
    ['--json', { json: true }, {}],
    ['--dry-run', { dryRun: true }, {}],
    ['CI', {}, { env: { CI: 'true' } }],
    ['a dumb terminal', {}, { env: { TERM: 'dumb' } }],
    ['a file', {}, { isTTY: false }],
  ])('is plain lines with %s', (_, options, place) => {
    stub(place);
    expect(isPlain(session(options))).toBe(true);
  });

  it('requires a terminal of at least 20 columns', () => {
    expect(isCapable({ isTTY: true, columns: 20 }, { TERM: 'xterm' })).toBe(true);
    expect(isCapable({ isTTY: true, columns: 19 }, { TERM: 'xterm' })).toBe(false);
  });

  it.each([
    ["in the task's display", {}, ['waits', 'shown']],
    ['as a line', { verbose: true }, ['waits', 'printed']],
  ])('shows %s that a task waits for a lock', async (_, options, expected) => {
    stub();
    const told: string[] = [];
    const lockFolder: Session['io']['lockFolder'] = async (dir, _wait, tell = () => told.push('printed')) => {
      told.push(dir);
      tell('waiting');
      return { release: async () => {}, isHeld: async () => true };
    };
    const io = ioOfTask(session(options, lockFolder), () => told.push('shown'));
    await io.lockFolder('waits');
    expect(told).toEqual(expected);
  });
});

describe('placeOf', () => {
  const place = (options: Session['options'], driver: string) =>
    placeOf(session(options), {
      builder: { ...assumedBuilder(), name: 'farm', driver },
      dir: '/dist',
    } as PlannedRelease);

  it('uses the engine of a docker driver, with the build cache', () => {
    expect(place({}, 'docker')).toEqual({
      ...{ dir: '/dist', builder: undefined, engine: 'farm', sharedNetwork: false, noCache: false },
      buildCache: { from: undefined, to: undefined },
    });
  });

  it('uses the builder of another driver with the current engine, without the build cache if asked', () => {
    expect(place({ builder: 'farm', cache: false }, 'remote')).toEqual({
      ...{ dir: '/dist', builder: 'farm', engine: undefined, sharedNetwork: true, noCache: true },
      buildCache: { from: undefined, to: undefined },
    });
    expect(place({ cache: true }, 'remote').noCache).toBe(false);
  });

  it('passes on a cache outside the builder', () => {
    const { buildCache } = place({ cacheFrom: 'type=gha', cacheTo: 'type=gha,mode=max' }, 'remote');
    expect(buildCache).toEqual({ from: 'type=gha', to: 'type=gha,mode=max' });
  });
});
