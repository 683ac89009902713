import { describe, expect, it } from 'vitest';
import { MANIFEST_SCHEMA, type Manifest } from '../../../src/manifest/schema.ts';
import { renderMarkdown } from '../../../src/ui/markdown.ts';

type Checks = NonNullable<Manifest['steps'][number]['checks']>;
const check = (id: string, status: Checks[number]['status'], message = ''): Checks[number] => ({
  ...{ id, title: `Title of ${id}`, reason: 'r', status, message, figures: {} },
});
const variant = { target: 'debian-13', arch: 'x86_64' as const, bases: {}, seconds: 1, inputs: [] };
const deb = {
  ...{ path: 'coturn_4.18.0_amd64.deb', kind: 'deb' as const, size: 2048, sha256: 'a'.repeat(64) },
  ...{ target: 'debian-13', arch: 'x86_64' as const },
};
const manifest = (checks: Checks, more: Partial<Manifest> = {}): Manifest => ({
  ...{ schema: MANIFEST_SCHEMA, turnbuild: '0.1.0', packageVersion: '4.18.0+turnbuild-1' },
  ...{ coturn: { version: '4.18.0', revision: 1, epoch: 0 }, advisories: [], bases: [] },
  steps: [
    { ...variant, id: 'package:x', stage: 'package', key: 'b'.repeat(64), status: 'done', outputs: [deb] },
    { ...variant, id: 'verify:x', stage: 'verify', key: 'c'.repeat(64), status: 'done', outputs: [], checks },
  ],
  ...more,
});

describe('renderMarkdown', () => {
  it('begins with the verdict, and lists packages', () =>
    expect(renderMarkdown(manifest([check('a', 'passed'), check('b', 'cannot-here')]))).toBe(
      `## coturn 4.18.0+turnbuild-1

**✓ Every check that ran passed**

| File | Size | Checks | SHA-256 |
| --- | ---: | --- | --- |
| coturn\\_4.18.0\\_amd64.deb | 2.0 KiB | 1 of 2 passed | \`${'a'.repeat(64)}\` |`,
    ));

  it('lists failures, without a meaning in Markdown or HTML, and only the first of many', () => {
    const failed = Array.from({ length: 22 }, (_, index) => check(`c${index}`, 'failed', '<b>|`*\nmore'));
    const text = renderMarkdown(manifest([check('a', 'passed'), ...failed]));
    expect(text).toContain('**✗ Failed**');
    expect(text).toContain('1 of 23 passed, **22 failed**');
    expect(text).toContain(
      '### Failures\n\n- debian-13 / x86\\_64: Title of c0 (c0): &lt;b&gt;\\|\\`\\*\n- debian-13',
    );
    expect(text).toContain('Title of c19');
    expect(text).not.toContain('Title of c20');
    expect(text).toMatch(/- and 2 others/);
  });

  it('lists a failed step without checks', () => {
    const [step] = manifest([]).steps;
    if (step === undefined) throw new Error('a step');
    const steps = [{ ...step, outputs: [], status: 'failed' as const, error: 'no space' }];
    expect(renderMarkdown(manifest([], { steps }))).toContain('- package:x: no space');
  });

  it('counts advisories, and names those that the packages are exposed to', () => {
    const advisory = (id: string) => ({
      ...{ id, severity: 'high' as const, summary: 's', fixed: '4.19.0', reference: 'https://example.org' },
    });
    const one = renderMarkdown(manifest([check('a', 'passed')], { advisories: [advisory('CVE-1')] }));
    expect(one).toContain('coturn 4.18.0 has 1 known advisory.');
    expect(one).toContain('Whether it exposes 1 other is unknown.');
  });
});
