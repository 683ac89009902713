import { expect, test } from 'vitest';
import { variantsOf } from '../../../src/ui/outcome.ts';
import { renderReport } from '../../../src/ui/report.ts';
import { diskSpace } from '../../../src/ui/report-disk.ts';
import { fixture, rowsOf } from './manifest-fixture.ts';

const MIB = 1024 ** 2;
const withUsage = (usage: unknown) => {
  const manifest = fixture();
  const [first, ...steps] = manifest.steps;
  if (first === undefined) throw new Error('the fixture has no steps');
  return {
    ...manifest,
    steps: [{ ...first, cloud: 'aws' as const, arch: 'arm64' as const, facts: { usage } }, ...steps],
  };
};

test('lists what takes the space of an image, folded, with the total', () => {
  const text = diskSpace(variantsOf(withUsage({ systemd: 20 * MIB, '<libc6>': 10 * MIB }))).safe;
  expect(text).toContain('<summary>aws / arm64: 30.0 MiB</summary>');
  expect(rowsOf(text).slice(1)).toEqual([
    ['systemd', '20.0 MiB'],
    ['&lt;libc6&gt;', '10.0 MiB'],
    ['Total', '30.0 MiB'],
  ]);
});

test('is not repeated among the facts', () => {
  const page = renderReport(withUsage({ systemd: 20 * MIB }), { turnbuildVersion: '1.0.0' });
  expect(page.match(/>systemd</g)).toHaveLength(1);
});

test.each([undefined, null, 'text', { systemd: 'large' }, []])('is empty for %j', (usage) => {
  expect(diskSpace(variantsOf(withUsage(usage))).safe).toBe('');
});
