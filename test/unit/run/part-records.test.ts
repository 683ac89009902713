import { describe, expect, it } from 'vitest';
import type { Check } from '../../../src/checks/check.ts';
import type { CheckResult, Manifest, ManifestStep } from '../../../src/manifest/schema.ts';
import type { StageName } from '../../../src/manifest/stages.ts';
import type { PlanDocument } from '../../../src/plan/document.ts';
import { wrongRecords } from '../../../src/run/part-records.ts';

const DEB = 'coturn_4.6.1_arm64.deb';
const SYMBOLS = 'coturn-dbgsym_4.6.1_arm64.deb';
const FACTS = 'work/verify/debian-13-arm64';
const plannedStep = (stage: StageName, needs: string[], outputs: string[]) => ({
  ...{ id: `${stage}:debian-13:arm64`, stage, target: 'debian-13', arch: 'arm64', needs, outputs },
});
const PLANNED = [
  plannedStep('build', [], ['work/build/debian-13-arm64']),
  plannedStep('package', ['build:debian-13:arm64'], [DEB, SYMBOLS]),
  plannedStep('verify', ['package:debian-13:arm64'], [FACTS]),
];
const plan = (selection: Partial<PlanDocument['choices']['selection']> = {}) =>
  ({
    steps: PLANNED,
    targets: [{ name: 'portable' }, { name: 'debian-13' }],
    choices: { selection: { only: [], skip: [], accept: [], ...selection } },
  }) as unknown as PlanDocument;

const check = (id: string, rest: Partial<Check> = {}): Check => ({
  ...{ id, title: `Title of ${id}`, reason: `Reason of ${id}`, judge: () => ({ ok: true, message: '' }) },
  ...rest,
});
const CHECKS = [
  check('elf.a', { reference: 'RFC 1' }),
  check('elf.b', { applies: ({ name }) => name === 'debian-13' }),
  check('rpm.c', { applies: ({ name }) => name === 'portable' }),
];
const verdict = (id: string, rest: Partial<CheckResult> = {}): CheckResult => ({
  ...{ id, title: `Title of ${id}`, reason: `Reason of ${id}`, status: 'passed', message: '', figures: {} },
  ...(id === 'elf.a' ? { reference: 'RFC 1' } : {}),
  ...rest,
});
const file = (path: string, kind: 'build' | 'deb' | 'deb-dbgsym' | 'verify') => ({
  ...{ path, kind, size: 1, sha256: 'a'.repeat(64) },
});
const input = (path: string) => ({ path, sha256: 'a'.repeat(64) });
const recorded = (
  stage: StageName,
  inputs: ManifestStep['inputs'],
  outputs: ManifestStep['outputs'],
): ManifestStep => ({
  ...{ id: `${stage}:debian-13:arm64`, stage, target: 'debian-13', arch: 'arm64' as const, status: 'done' },
  ...{ key: 'b'.repeat(64), bases: {}, seconds: 1, inputs, outputs },
});
const BUILT = recorded('build', [], [file('work/build/debian-13-arm64/turnserver', 'build')]);
const PACKAGED = recorded(
  'package',
  [input('work/build/debian-13-arm64/turnserver')],
  [file(DEB, 'deb'), file(SYMBOLS, 'deb-dbgsym')],
);
const VERIFIED: ManifestStep = {
  ...recorded('verify', [input(DEB), input(SYMBOLS)], [file(`${FACTS}/facts.txt`, 'verify')]),
  checks: [verdict('elf.a'), verdict('elf.b')],
};

/** The errors of one step whose record was changed. */
function wrong(change: Partial<ManifestStep> & { stage?: StageName }, of: ManifestStep, document = plan()) {
  const steps = [BUILT, PACKAGED, VERIFIED].map((step) => (step === of ? { ...step, ...change } : step));
  const found = wrongRecords({ steps } as Manifest, document, CHECKS);
  return found.filter(({ id }) => id === of.id).map(({ what }) => what);
}
const judged = (checks: CheckResult[], document = plan(), rest: Partial<ManifestStep> = {}) =>
  wrong({ checks, ...rest }, VERIFIED, document);

describe('step records', () => {
  it('are accepted as turnbuild writes them, ignoring steps that are not planned', () => {
    const other = { ...VERIFIED, id: 'verify:debian-13:x86_64', checks: [] };
    const steps = [BUILT, PACKAGED, VERIFIED, other];
    expect(wrongRecords({ steps } as unknown as Manifest, plan(), CHECKS)).toEqual([]);
  });

  it.each<[string, Partial<ManifestStep>]>([
    ['stage', { stage: 'package' }],
    ['target', { target: 'portable' }],
    ['architecture', { arch: 'x86_64' }],
  ])('must have the planned %s', (_, change) => {
    expect(wrong(change, BUILT)).toContain('belongs to another stage or package');
  });

  it('must list all inputs', () => {
    expect(wrong({ inputs: [input(DEB)] }, VERIFIED)).toEqual([`was not built from ${SYMBOLS}`]);
    expect(wrong({ inputs: [] }, PACKAGED)).toEqual([
      'was not built from work/build/debian-13-arm64/turnserver',
    ]);
  });

  it('must list all outputs with their kinds, unless the step failed', () => {
    expect(wrong({ outputs: [file(DEB, 'deb')] }, PACKAGED)).toEqual([`did not produce ${SYMBOLS}`]);
    expect(wrong({ outputs: [], status: 'failed' }, PACKAGED)).toEqual([]);
    expect(wrong({ outputs: [file(DEB, 'deb'), file(SYMBOLS, 'deb')] }, PACKAGED)).toEqual([
      `records ${SYMBOLS} with the wrong kind (deb)`,
    ]);
    expect(wrong({ outputs: [file(`${FACTS}/facts.txt`, 'build')] }, VERIFIED)).toEqual([
      `records ${FACTS}/facts.txt with the wrong kind (build)`,
    ]);
  });
});

describe('verdicts', () => {
  it('are allowed only in verify steps', () => {
    expect(wrong({ checks: [verdict('elf.a')] }, PACKAGED)).toEqual([
      'has verdicts, but is not a verify step',
    ]);
    expect(wrong({ checks: [] }, PACKAGED)).toEqual([]);
  });

  it('may be missing only if the step failed without recording any', () => {
    const { checks: _, ...unjudged } = VERIFIED;
    const steps = (status: 'done' | 'failed') => ({ steps: [{ ...unjudged, status }] }) as Manifest;
    expect(wrongRecords(steps('failed'), plan(), CHECKS)).toEqual([]);
    expect(wrongRecords(steps('done'), plan(), CHECKS).map(({ what }) => what)).toEqual([
      'has no verdict for elf.a',
      'has no verdict for elf.b',
    ]);
    expect(judged([], plan(), { status: 'failed' })).toHaveLength(2);
  });

  it('must include each check of the target exactly once, and no other', () => {
    expect(judged([verdict('elf.a')])).toEqual(['has no verdict for elf.b']);
    expect(judged([verdict('elf.a'), verdict('elf.b'), verdict('elf.b')])).toEqual([
      'has more than one verdict for elf.b',
    ]);
    expect(judged([verdict('elf.a'), verdict('elf.b'), verdict('rpm.c')])).toEqual([
      'names the unknown check rpm.c',
    ]);
  });

  it('name only unknown checks if the plan lacks the target', () => {
    const { targets: _, ...rest } = plan();
    const document = { ...rest, targets: [{ name: 'portable' }] } as unknown as PlanDocument;
    expect(judged([verdict('elf.a')], document)).toEqual(['names the unknown check elf.a']);
  });

  it.each<[string, Partial<CheckResult>]>([
    ['title', { title: 'Another' }],
    ['reason', { reason: 'another' }],
    ['reference', { reference: 'RFC 2' }],
  ])('must have the %s of the check', (_, change) => {
    expect(judged([verdict('elf.a', change), verdict('elf.b')])).toEqual(['describes elf.a differently']);
  });

  it.each(['failed', 'blocked'] as const)('must not be "%s" if the step is done', (status) => {
    const checks = [verdict('elf.a', { status }), verdict('elf.b')];
    expect(judged(checks)).toEqual([`is done, although elf.a has ${status}`]);
    expect(judged(checks, plan(), { status: 'failed' })).toEqual([]);
  });

  it('are deselected if and only if the plan deselects the check', () => {
    const without = plan({ skip: ['elf.a'] });
    const checks = [verdict('elf.a', { status: 'deselected' }), verdict('elf.b')];
    expect(judged(checks, without)).toEqual([]);
    expect(judged(checks)).toEqual(['deselected elf.a, which the plan selects']);
    expect(judged([verdict('elf.a'), verdict('elf.b')], without)).toEqual([
      'ran elf.a, which the plan deselects',
    ]);
  });

  it('are accepted only if the plan accepts all their advisories', () => {
    const accepting = plan({ accept: ['CVE-1'] });
    const accepted = (advisories?: string[]) => [
      verdict('elf.a', { status: 'accepted', ...(advisories === undefined ? {} : { advisories }) }),
      verdict('elf.b'),
    ];
    expect(judged(accepted(['CVE-1']), accepting)).toEqual([]);
    for (const advisories of [undefined, [], ['CVE-2'], ['CVE-1', 'CVE-2']])
      expect(judged(accepted(advisories), accepting)).toEqual([
        'accepted elf.a, which the plan does not accept',
      ]);
  });
});
