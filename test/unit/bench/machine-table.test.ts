import { describe, expect, it } from 'vitest';
import { median, table } from '../../../scripts/bench/machine/table.js';

describe('median', () => {
  it('is the value in the middle, or the mean of the two there', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 2])).toBe(3);
    expect(() => median([])).toThrow(RangeError);
  });

  it('leaves the values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('the tables of bench:image', () => {
  const sides = [
    { name: 'native', seconds: [12, 10, 11] },
    { name: 'cached', seconds: [8, 9, 7] },
    { name: 'QEMU', seconds: [100, 220, 110] },
  ];

  it('compares each side with the last one', () =>
    expect(
      table({ title: 'root', sides, goal: { ratio: 0.1 } }),
    ).toBe(`| root | median, s | all, s | of QEMU |
|---|---:|---:|---:|
| native | 11.0 | 12.0; 10.0; 11.0 | 0.100 |
| cached | 8.0 | 8.0; 9.0; 7.0 | 0.073 |
| QEMU | 110.0 | 100.0; 220.0; 110.0 | 1.000 |

Goal: at most 0.1 x. **Met.**
`));

  it('judges the first side, by the unrounded ratio', () =>
    expect(table({ title: 'root', sides, goal: { ratio: 0.0999 } })).toContain('0.0999 x. **Not met.**'));

  it('judges seconds without a comparison', () => {
    const one = (seconds: number) =>
      table({ title: 'changed', sides: [{ name: 'image', seconds: [seconds] }], goal: { seconds: 20 } });
    expect(one(20)).toContain('| changed | median, s | all, s |\n|---|---:|---:|\n| image | 20.0 | 20.0 |\n');
    expect(one(20)).toContain('at most 20 s. **Met.**');
    expect(one(20.1)).toContain('**Not met.**');
  });
});
