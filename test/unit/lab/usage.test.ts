import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RemoteAgent } from '../../../src/lab/remote.ts';
import { perAllocation } from '../../../src/lab/scenarios/capacity.ts';
import { scrapeOften } from '../../../src/lab/scenarios/metrics.ts';
import { type Usage, usageOf } from '../../../src/lab/usage.ts';
import { temporaryFolder } from '../../support/sandbox.ts';

describe('usageOf', () => {
  const processWith = (status: string, descriptors: number) => {
    const proc = temporaryFolder();
    mkdirSync(join(proc, '7/fd'), { recursive: true });
    writeFileSync(join(proc, '7/status'), status);
    for (let fd = 0; fd < descriptors; fd++) writeFileSync(join(proc, '7/fd', String(fd)), '');
    return usageOf(7, proc);
  };

  it('counts open files, and resident memory in bytes', () =>
    expect(processWith('Name:\tturnserver\nVmHWM:\t   900 kB\nVmRSS:\t   512 kB\n', 3)).toEqual({
      files: 3,
      residentBytes: 512 * 1024,
    }));

  it('reports no memory for a process that has ended', () =>
    expect(processWith('Name:\tturnserver\nState:\tZ (zombie)\n', 0)).toEqual({
      files: 0,
      residentBytes: 0,
    }));

  it('reads a real process, and throws if it does not exist', () => {
    const own = usageOf(process.pid);
    expect(own.files).toBeGreaterThan(2);
    expect(own.residentBytes).toBeGreaterThan(2 ** 20);
    expect(() => usageOf(2 ** 30)).toThrow('ENOENT');
  });
});

describe('usage in scenarios', () => {
  const server = (...usages: (Usage | undefined)[]) => ({
    agent: {
      scrapeOften: async (_: string, times: number) => times - 1,
    } as Partial<RemoteAgent> as RemoteAgent,
    usage: async () => usages.shift(),
  });

  it('is recorded as the memory before and after scrapes', async () => {
    const facts = await scrapeOften(
      server({ files: 9, residentBytes: 100 }, { files: 9, residentBytes: 150 }),
      20,
    );
    expect(JSON.stringify(facts)).toBe('{"scrapes":20,"succeeded":19,"before":100,"after":150}');
  });

  it('is divided by the number of allocations', () => {
    const [before, full] = [
      { files: 10, residentBytes: 1000 },
      { files: 30, residentBytes: 1105 },
    ];
    expect(JSON.stringify(perAllocation(before, full, 10))).toBe('{"files":2,"residentBytes":11}');
  });

  it('is omitted if it cannot be measured', async () => {
    expect(JSON.stringify(await scrapeOften(server(undefined, undefined), 20))).toBe(
      '{"scrapes":20,"succeeded":19}',
    );
    expect(perAllocation(undefined, { files: 1, residentBytes: 1 }, 1)).toBeUndefined();
    expect(perAllocation({ files: 1, residentBytes: 1 }, undefined, 1)).toBeUndefined();
  });
});
