import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { capacityOf, openFilesLimit, parsePorts, rangeWarnings } from '../../../src/plan/capacity.ts';
import { parseRecipeFile } from '../../../src/recipe/parse.ts';
import { releaseSchema } from '../../../src/recipe/schema.ts';
import { RANGES } from '../../support/config-trial/capacity.ts';

const input = { addresses: 1, participants: 2, allocations: 1, pairs: false };

describe('capacityOf', () => {
  it.each([
    ['49152-65534', {}, { ports: 16383, allocations: 16383, calls: 8191, openFiles: 33766 }],
    ['10000-65534', {}, { ports: 55535, allocations: 55535, calls: 27767, openFiles: 112070 }],
    ['49152-65534', { addresses: 3 }, { ports: 16383, allocations: 49149, calls: 24574, openFiles: 99298 }],
    ['49152-65534', { pairs: true }, { ports: 16383, allocations: 8191, calls: 4095 }],
    ['50000-50009', { participants: 3, allocations: 2 }, { ports: 10, allocations: 10, calls: 1 }],
    ['3000-6000', {}, { ports: 2997, allocations: 2997 }],
    ['3000-6001', { pairs: true }, { allocations: 1498 }],
    ['3479-4000', { pairs: true }, { allocations: 260 }],
    ['3000-3478', { pairs: true }, { allocations: 239 }],
    ['3478-3479', { pairs: true }, { ports: 0, allocations: 0, calls: 0 }],
    ['50000-50000', {}, { ports: 1, allocations: 1, calls: 0 }],
  ])('%s %j: %j', (ports, more, expected) =>
    expect(capacityOf({ ...input, range: parsePorts(ports), ...more })).toMatchObject(expected),
  );

  // The configuration trials test how many allocations turnserver grants.
  it.each(RANGES)('$ports has $all ports and $pairs pairs', ({ ports, all, pairs }) => {
    const range = parsePorts(ports);
    expect(capacityOf({ ...input, range }).allocations).toBe(all);
    expect(capacityOf({ ...input, range, pairs: true }).allocations).toBe(pairs);
  });

  it('gives the same limit of open files as the systemd unit', () => {
    const text = readFileSync(new URL('../../../recipes/release.yaml', import.meta.url), 'utf8');
    const { relay } = parseRecipeFile('release', text, releaseSchema);
    expect(capacityOf({ ...input, range: relay }).openFiles).toBe(openFilesLimit(relay));
  });

  it('reserves the relay range, and raises fs.nr_open only if necessary', () => {
    const small = capacityOf({ ...input, range: parsePorts('49152-65534') });
    expect(small.sysctls['net.ipv4.ip_local_reserved_ports']).toBe('49152-65534');
    expect(small.sysctls).not.toHaveProperty(['fs.nr_open']);
    const large = capacityOf({ ...input, range: parsePorts('10000-65534'), addresses: 10 });
    expect(large.sysctls['fs.nr_open']).toBe(String(large.openFiles));
    // Exactly the kernel's limit.
    const equal = capacityOf({ ...input, range: parsePorts('10000-53648'), addresses: 12 });
    expect(equal.openFiles).toBe(1_048_576);
    expect(equal.sysctls).not.toHaveProperty(['fs.nr_open']);
  });

  it('scales memory with the number of allocations', () => {
    const memoryOf = (addresses: number) =>
      capacityOf({ ...input, range: parsePorts('49152-65534'), addresses }).memory;
    expect(memoryOf(3)).toBe(3 * memoryOf(1));
    expect(memoryOf(1) / 16_383).toBeGreaterThan(10_000);
  });
});

describe('rangeWarnings', () => {
  it.each([
    ['49152-65534', []],
    ['1-2000', [/privileged/]],
    ['1024-65535', [/3478, 3479, 5349, 5350/, /65535/]],
  ])('%s', (ports, expected) => {
    const warnings = rangeWarnings(parsePorts(ports));
    expect(warnings).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(warnings[index]).toMatch(pattern);
  });
});

describe('parsePorts', () => {
  it.each(['65534-49152', '65535-1024', '2-1'])('refuses %s as inverted', (text) =>
    expect(() => parsePorts(text)).toThrow(/is inverted/),
  );

  it.each(['70000-5000', '10-0', '', '50000', '50000-', 'a-b', '0-10', '1-65536', '1-2-3'])(
    'refuses "%s"',
    (text) => expect(() => parsePorts(text)).toThrow(/Invalid --ports ".*": expected two ports/),
  );
});
