import { describe, expect, it } from 'vitest';
import { metricNamesIn } from '../../../src/config/elf-options.ts';

describe('metricNamesIn', () => {
  it('lists each name once, sorted, and ignores strings that only contain a name', () => {
    const text =
      '\0turn_traffic_rcvb\0stun_binding_request\0turn_allocations\0turn_allocations\0my_turn_x\0turn_Up\0turn_ no\0';
    expect(metricNamesIn(Buffer.from(text))).toEqual([
      'stun_binding_request',
      'turn_allocations',
      'turn_traffic_rcvb',
    ]);
  });
});
