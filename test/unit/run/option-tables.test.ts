import { describe, expect, it, vi } from 'vitest';
import type { CommonOptions } from '../../../src/run/options.ts';
import type { Session } from '../../../src/run/session.ts';

/** All options, as if given on the command line. */
const GIVEN: Required<Omit<CommonOptions, 'unpinned'>> = {
  ...{ json: true, verbose: true, dryRun: true, verify: false, cache: false, refreshBase: true },
  ...{ roots: 'registry', cloud: ['aws'], size: '1', ssh: 'none', boot: false, extraPackage: ['x.deb'] },
  ...{ extraPackageKey: 'key.asc', cacheFrom: 'type=gha', cacheTo: 'type=gha' },
  ...{ arch: ['arm64'], target: ['debian-13'], mirror: ['http://a.test'], jobs: '2', builder: 'b' },
  ...{ out: 'dist', recipes: 'recipes', lock: 'lock.json', source: 'debian', sha256: 'a', revision: '2' },
  ...{ updateLock: true, allowQuarantined: true, maintainer: 'A <a@example.org>', full: true, native: true },
  ...{ only: ['elf'], skip: ['elf'], reason: 'r', accept: ['CVE-1'], verifyOn: 'i', plan: 'plan.json' },
};
const session = { options: GIVEN } as Partial<Session> as Session;
/** The flags at the start of an error message. */
const flagsOf = (message: string) =>
  message
    .replace(/(:| cannot be used with).*$/, '')
    .split(', ')
    .sort();
const refusalOf = async (work: Promise<unknown>) => {
  const error = (await work.catch((thrown: unknown) => thrown)) as { code: string; message: string };
  expect(error.code).toBe('OPTION_CONFLICT');
  return error.message;
};

// Import the module within the tests, because importing creates the tables.
describe('conflicts of options', () => {
  it('a package file refuses options that have no effect on it', async () => {
    vi.resetModules();
    const { planFile } = await import('../../../src/run/package-file.ts');
    const message = await refusalOf(planFile(session, 'coturn.deb', { perform: false }));
    expect(message).toContain('cannot be used with a package file');
    expect(flagsOf(message)).toEqual([
      ...[
        '--allow-quarantined',
        '--boot',
        '--cache-from',
        '--cache-to',
        '--cloud',
        '--extra-package',
        '--extra-package-key',
        '--lock',
        '--maintainer',
        '--native',
        '--plan',
        '--revision',
      ],
      ...['--sha256', '--size', '--source', '--ssh', '--update-lock', '--verify-on'],
    ]);
  });

  it('--plan refuses a version, and options that the plan has decided', async () => {
    vi.resetModules();
    const { planGiven } = await import('../../../src/run/given-plan.ts');
    const given = { version: '4.18.0', stages: ['build' as const], perform: false };
    const message = await refusalOf(planGiven(session, 'plan.json', given));
    expect(message).toContain('already decided by the plan given with --plan');
    expect(flagsOf(message)).toEqual([
      ...['--accept', '--allow-quarantined', '--full', '--maintainer', '--native', '--only', '--reason'],
      ...['--revision', '--roots', '--sha256', '--skip', '--update-lock', '--verify-on', 'the version'],
    ]);
  });
});
