import { describe, expect, it } from 'vitest';
import { perform } from '../../../src/commands/doctor.ts';
import type { Command } from '../../../src/plan/command.ts';

const apt = (...args: string[]): Command => ({ file: 'apt-get', args, effect: 'write' });
const step = {
  ...apt('install', 'docker.io/trixie'),
  otherwise: apt('install', '-t', 'trixie', 'docker.io'),
};

/** Performs the step with an apt that refuses what `refuses` says; what ran, and what was printed. */
async function performed(refuses: (args: readonly string[]) => boolean) {
  const ran: string[] = [];
  const printed: string[] = [];
  const work = perform(
    step,
    async ({ args }) => {
      ran.push(args.join(' '));
      return refuses(args)
        ? { code: 100, stdout: '', stderr: 'iptables : Depends: libip4tc2\nE: Unable to correct problems' }
        : { code: 0, stdout: '', stderr: '' };
    },
    { dryRun: false, verbose: false },
    { line: (text) => printed.push(text) },
  );
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { ran, printed, error };
}

describe('a step with another way', () => {
  it('does not take it while the first one works', async () => {
    const { ran, error } = await performed(() => false);
    expect(ran).toEqual(['install docker.io/trixie']);
    expect(error).toBeUndefined();
  });

  it('takes it when the first one fails, and says why', async () => {
    const { ran, printed, error } = await performed((args) => !args.includes('-t'));
    expect(ran).toEqual(['install docker.io/trixie', 'install -t trixie docker.io']);
    expect(printed.join('\n')).toMatch(/not possible here \(E: Unable to correct problems\); instead/);
    expect(error).toBeUndefined();
  });

  it('fails when both fail', async () => {
    expect((await performed(() => true)).error).toMatchObject({ code: 'DOCTOR_FIX_FAILED' });
  });
});
