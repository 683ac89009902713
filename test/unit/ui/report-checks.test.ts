import { describe, expect, it } from 'vitest';
import type { CheckResult, Manifest } from '../../../src/manifest/schema.ts';
import { variantsOf } from '../../../src/ui/outcome.ts';
import { checkMatrix } from '../../../src/ui/report-checks.ts';
import { failures } from '../../../src/ui/report-failures.ts';
import { fixture, onePackage, rowsOf, withSteps, wordsOf } from './manifest-fixture.ts';

/** A release of one package with these checks. */
const checked = (...checks: Partial<CheckResult>[]): Manifest =>
  withSteps(onePackage(), ({ stage }) =>
    stage === 'verify'
      ? {
          checks: checks.map((check, index) => ({
            ...{
              id: `c${index}`,
              title: `Title ${index}`,
              reason: 'r',
              status: 'passed',
              message: '',
              figures: {},
            },
            ...check,
          })),
        }
      : undefined,
  );
const matrixOf = (manifest: Manifest) => checkMatrix(variantsOf(manifest)).safe;
const failuresOf = (manifest: Manifest) => failures(manifest, variantsOf(manifest)).safe;

describe('failures', () => {
  it('show the figures, the reason, the reference, and whether they are accepted', () => {
    const failed = { status: 'failed', message: 'm1\nm2', figures: { lost: 1234, of: 'many' } } as const;
    const text = failuresOf(checked({ ...failed, reference: 'https://a' }, { status: 'accepted' }, {}));
    const [, first = '', second = '', more] = text.split('<article');
    expect(wordsOf(`<${first}`)).toBe('debian-13 / arm64: Title 0 m1 m2 lost 1,234 of many r c0 Reference');
    expect(wordsOf(`<${second}`)).toBe('debian-13 / arm64: Title 1 (accepted) r c1');
    expect(second).not.toContain('<dl');
    expect(more).toBeUndefined();
  });

  it('are listed once for all packages with the same message', () => {
    const failing = (message: (arch: string) => string) =>
      failuresOf(
        withSteps(
          fixture(),
          ({ checks, arch = '' }) =>
            checks && {
              checks: checks.map((c) =>
                c.id === 'stun' ? { ...c, status: 'failed', message: message(arch) } : c,
              ),
            },
        ),
      );
    const titles = (text: string) => [...text.matchAll(/<h3>([^<]*)<\/h3>/g)].map(([, title]) => title);
    expect(titles(failing(() => 'm'))).toEqual([
      'debian-12 / arm64, debian-12 / x86_64, debian-13 / arm64, debian-13 / x86_64: Answers STUN',
    ]);
    expect(titles(failing((arch) => arch))).toEqual([
      'debian-12 / arm64, debian-13 / arm64: Answers STUN',
      'debian-12 / x86_64, debian-13 / x86_64: Answers STUN',
    ]);
  });

  it('include failed steps with their logs, unless their checks explain the failure', () => {
    const text = failuresOf(
      withSteps(onePackage(fixture({ failing: true })), ({ stage }) => ({
        status: 'failed',
        ...(stage === 'build' ? { error: 'no compiler' } : { log: undefined }),
      })),
    );
    const steps = text
      .split('<article')
      .slice(2)
      .map((part) => wordsOf(`<${part}`));
    expect(steps).toEqual([
      'Step build-debian-13-arm64 no compiler Log: logs/build-debian-13-arm64.log',
      'Step package-debian-13-arm64 no message',
    ]);
  });

  it('count blocked checks with the checks that block them, and are empty without failures', () => {
    const blocked = { status: 'blocked', blockedBy: 'stun' } as const;
    const text = wordsOf(failuresOf(checked(blocked, blocked, { ...blocked, blockedBy: 'start' })));
    expect(text).toBe(
      'Failures debian-13 / arm64: 3 checks could not run, blocked by stun, start . Which ones',
    );
    expect(failuresOf(fixture())).toBe('');
  });
});

describe('the matrix of checks', () => {
  it('lists failed and accepted checks first, the others in their order', () => {
    const text = matrixOf(checked({}, { status: 'accepted' }, { status: 'blocked' }, { status: 'failed' }));
    expect(
      rowsOf(text)
        .slice(1, -1)
        .map(([name]) => name?.split(' ')[1]),
    ).toEqual(['1', '3', '0', '2']);
    const all = rowsOf(matrixOf(fixture({ failing: true })));
    expect(all[0]).toEqual([
      'Check',
      'debian-12 arm64',
      'debian-12 x86_64',
      'debian-13 arm64',
      'debian-13 x86_64',
    ]);
    expect(all[1]?.[0]).toMatch(/^Metrics agree/);
    expect(all).toHaveLength(1 + 21 + 1);
  });

  it('marks checks that did not run, and omits packages without checks', () => {
    const manifest = withSteps(fixture(), ({ target, arch, checks }) => {
      if (checks === undefined) return undefined;
      if (target === 'debian-12') return { checks: arch === 'arm64' ? [] : checks };
      return { checks: checks.filter(({ id }) => id !== 'stun') };
    });
    const rows = rowsOf(matrixOf(manifest));
    expect(rows[0]).toHaveLength(4);
    const stun = rows.find(([name]) => name?.startsWith('Answers STUN'));
    expect(stun?.slice(2)).toEqual(['not run', 'not run']);
    expect(stun?.[1]).toBe('✓ pass');
    expect(stun?.[0]).toMatch(/Findings debian-12 \/ x86_64 requests 5 responses 5$/);
    expect(rows.at(-1)?.slice(1)).toEqual([
      '21 of 21 passed',
      '19 of 20 passed, 1 unable to run here',
      '20 of 20 passed',
    ]);
  });

  it('shows findings once for packages that share them, and as tooltips', () => {
    const text = matrixOf(
      checked(
        {},
        { message: 'well' },
        { figures: { sent: 1234 } },
        { message: 'lost', figures: { of: 'x' } },
      ),
    );
    const rows = rowsOf(text).slice(1, -1);
    expect(rows.map(([, cell]) => cell)).toEqual(['✓ pass', '✓ pass', '✓ pass', '✓ pass']);
    expect(rows.map(([name]) => name?.replace(/^Title \d c\d r ?/, ''))).toEqual([
      '',
      'Findings well',
      'Findings sent 1,234',
      'Findings lost of x',
    ]);
    expect([...text.matchAll(/<span class="mark" title="([^"]*)"/g)].map(([, title]) => title)).toEqual([
      'well',
      'sent: 1234',
      'lost\nof: x',
    ]);
    expect(text).not.toContain('<p></p>');
    expect(text).not.toContain('<dl class="figures"></dl>');
    const differs = withSteps(fixture(), ({ checks, arch }) =>
      checks === undefined
        ? undefined
        : { checks: checks.slice(0, 1).map((check) => ({ ...check, message: `for ${arch}`, figures: {} })) },
    );
    expect(rowsOf(matrixOf(differs))[1]?.[0]).toMatch(
      /Findings debian-12 \/ arm64, debian-13 \/ arm64 for arm64 debian-12 \/ x86_64, debian-13 \/ x86_64 for x86_64$/,
    );
  });

  it('has a table for each subject, collapsed unless a check of it failed', () => {
    const text = matrixOf(
      checked(
        { id: 'elf.pie' },
        { id: 'elf.relro', status: 'blocked' },
        { id: 'network.ttl', status: 'failed' },
        { id: 'odd.one', status: 'not-applicable' },
        { id: 'undotted' },
      ),
    );
    const subjects = [
      ...text.matchAll(/<details class="subject" id="([^"]*)"( open)?><summary>([\s\S]*?)<\/summary>/g),
    ];
    expect(subjects.map(([, id, open, summary]) => [id, open !== undefined, wordsOf(summary ?? '')])).toEqual(
      [
        ['checks-network', true, 'Relaying across a router 1 check, 0 of 1 passed, 1 failed'],
        [
          'checks-elf',
          false,
          'Programs: architecture, libraries, hardening 2 checks, 1 of 2 passed, 1 blocked',
        ],
        ['checks-odd', false, 'odd 1 check, 0 of 1 passed, 1 not applicable'],
        ['checks-other', false, 'Other checks 1 check, 1 of 1 passed'],
      ],
    );
  });

  it('colours a cell by the worst result of a check that ran twice', () => {
    const twice = (...statuses: CheckResult['status'][]) =>
      /<td class="([\w-]+)">/.exec(
        matrixOf(checked(...statuses.map((status) => ({ id: 'c', status })))),
      )?.[1];
    expect(twice('passed', 'failed', 'accepted')).toBe('failed');
    expect(twice('passed', 'blocked', 'accepted')).toBe('accepted');
    expect(twice('passed', 'deselected')).toBe('deselected');
    expect(twice('passed', 'passed')).toBe('passed');
  });
});
