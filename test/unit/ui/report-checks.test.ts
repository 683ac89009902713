import { describe, expect, it } from 'vitest';
import type { CheckResult, Manifest } from '../../../src/manifest/schema.ts';
import { variantsOf } from '../../../src/ui/outcome.ts';
import { checkMatrix, failures } from '../../../src/ui/report-checks.ts';
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
  it('have what was measured, why it matters, where to read on, and whether it is accepted', () => {
    const failed = { status: 'failed', message: 'm1\nm2', figures: { lost: 1234, of: 'many' } } as const;
    const text = failuresOf(checked({ ...failed, reference: 'https://a' }, { status: 'accepted' }, {}));
    const [, first = '', second = '', more] = text.split('<article');
    expect(wordsOf(`<${first}`)).toBe('debian-13 / arm64: Title 0 m1 m2 lost 1,234 of many r c0 Reference');
    expect(wordsOf(`<${second}`)).toBe('debian-13 / arm64: Title 1 (accepted) r c1');
    expect(second).not.toContain('<dl');
    expect(more).toBeUndefined();
  });

  it('are steps, too, with their logs: those whose checks do not say what failed', () => {
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

  it('are those of some packages: others are not named', () => {
    const blocked = { status: 'blocked', blockedBy: 'stun' } as const;
    const text = wordsOf(failuresOf(checked(blocked, blocked, { ...blocked, blockedBy: 'start' })));
    expect(text).toBe('Failures debian-13 / arm64: 3 checks could not be tried, blocked by stun, start .');
    expect(failuresOf(fixture())).toBe('');
  });
});

describe('the matrix of checks', () => {
  it('begins with those that failed or were accepted somewhere, the others in their order', () => {
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

  it('says what did not run in a package, and leaves packages out in which nothing did', () => {
    const manifest = withSteps(fixture(), ({ target, arch, checks }) => {
      if (checks === undefined) return undefined;
      if (target === 'debian-12') return { checks: arch === 'arm64' ? [] : checks };
      return { checks: checks.filter(({ id }) => id !== 'stun') };
    });
    const rows = rowsOf(matrixOf(manifest));
    expect(rows[0]).toHaveLength(4);
    const stun = rows.find(([name]) => name?.startsWith('Answers STUN'));
    expect(stun?.slice(2)).toEqual(['not run', 'not run']);
    expect(stun?.[1]).toMatch(/^✓ pass requests 5 responses 5$/);
    expect(rows.at(-1)?.slice(1)).toEqual([
      '21 of 21 passed',
      '19 of 20 passed, 1 cannot be tried here',
      '20 of 20 passed',
    ]);
  });

  it('opens where there is something to see: a message, or figures, which also show on hover', () => {
    const text = matrixOf(
      checked(
        {},
        { message: 'well' },
        { figures: { sent: 1234 } },
        { message: 'lost', figures: { of: 'x' } },
      ),
    );
    const cells = rowsOf(text)
      .slice(1, -1)
      .map(([, cell]) => cell);
    expect(cells).toEqual(['✓ pass', '✓ pass well', '✓ pass sent 1,234', '✓ pass lost of x']);
    expect([...text.matchAll(/<details title="([^"]*)"/g)].map(([, title]) => title)).toEqual([
      'well',
      'sent: 1234',
      'lost\nof: x',
    ]);
    expect(text).not.toContain('<p></p>');
    expect(text).not.toContain('<dl class="figures"></dl>');
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
