import { describe, expect, it } from 'vitest';
import { requireFiles } from '../../../src/lab/open-files.ts';

const limits = (hard: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             95890                95890                processes
Max open files            1024                 ${hard.padEnd(20)} files
`;

describe('requireFiles', () => {
  it.each(['19383', '1048576', 'unlimited'])('accepts a hard limit of %s for 16,383 ports', (hard) => {
    expect(() => requireFiles(limits(hard), 16_383)).not.toThrow();
  });

  it.each(['4096', '19382'])('refuses a hard limit of %s, and states the required one', (hard) => {
    expect(() => requireFiles(limits(hard), 16_383)).toThrow(
      `may open only ${hard} files per process; 16383 relay ports need 19383`,
    );
  });
});
