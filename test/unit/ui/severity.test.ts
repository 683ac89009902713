import { describe, expect, it } from 'vitest';
import { advisoryLines, bySeverity } from '../../../src/ui/severity.ts';

const advisory = (id: string, severity: 'critical' | 'high' | 'medium' | 'low') => ({
  ...{ id, severity, fixed: '4.9.0', summary: 's', reference: 'https://example.org' },
});
const all = [advisory('a', 'low'), advisory('b', 'critical'), advisory('c', 'medium'), advisory('d', 'high')];
const lines = (list: typeof all, columns: number) =>
  advisoryLines('it', list, columns).filter((line) => line.startsWith('  '));

describe('advisories', () => {
  it('are sorted by severity, and equals keep their order', () => {
    const list = [...all, advisory('e', 'critical')];
    expect(bySeverity(list).map(({ id }) => id)).toEqual(['b', 'e', 'd', 'c', 'a']);
    expect(list[0]?.id).toBe('a');
  });

  it('fill two columns if these fit exactly, the left one first', () => {
    const two = ['  critical  b  4.9.0    medium    c  4.9.0', '  high      d  4.9.0    low       a  4.9.0'];
    expect(lines(all, two[0]?.length ?? 0)).toEqual(two);
    expect(lines(all, (two[0]?.length ?? 0) - 1)).toEqual([
      ...['  critical  b  4.9.0', '  high      d  4.9.0', '  medium    c  4.9.0', '  low       a  4.9.0'],
    ]);
  });

  it('are complete with an odd number, and print nothing if there are none', () => {
    expect(lines(all.slice(1), 80)).toEqual([
      '  critical  b  4.9.0    medium    c  4.9.0',
      '  high      d  4.9.0',
    ]);
    expect(advisoryLines('it', [], 80)).toEqual([]);
  });

  it('are red, yellow or dim depending on their severity', () => {
    const painted = advisoryLines('it', all, 20, (text, style) => `${style}:${text.trim().split(' ')[0]}`);
    expect(painted.filter((line) => !line.startsWith('bold'))).toEqual([
      ...['red:critical', 'red:high', 'yellow:medium', 'dim:low'],
    ]);
  });
});
