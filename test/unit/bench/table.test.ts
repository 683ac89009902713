import { describe, expect, it } from 'vitest';
import type { Run } from '../../../scripts/bench/rounds.js';
import { table } from '../../../scripts/bench/table.js';

const setting = {
  machine: '2 x a processor, 4 GiB',
  system: 'Linux 6.12, debian-13, Docker 26.1',
  versions: { ours: '4.6.1+turnbuild-1~deb13', debian: '4.6.1-2' },
  metrics: true,
  command: 'npm run bench:relay -- --rounds 3',
};

/** A run of ten seconds at this rate; the server uses its whole core. */
function run(rate: number, more: Partial<Run> = {}): Run {
  const half = rate * 5;
  return {
    seconds: 10,
    byPeers: half,
    byClients: half,
    sent: 2 * half,
    serverSeconds: 10,
    loadSeconds: 6,
    startMs: 20,
    residentKib: 8000,
    ...more,
  };
}
const pairsOf = (rates: number[], more: Partial<Run> = {}) =>
  rates.map((rate) => ({ ours: run(rate, more), debian: run(100_000) }));

describe('the table', () => {
  it('states no goal for a comparison without metrics', () => {
    const text = table(pairsOf([100_000, 100_000]), { ...setting, metrics: false });
    expect(text).toContain('metrics off');
    expect(text).not.toMatch(/Goal/);
  });

  it('lists both figures, their ratios and the measurement setup', () => {
    const text = table(pairsOf([99_000, 100_000, 101_000]), setting);
    for (const value of [setting.machine, setting.system, `\`${setting.command}\``, 'of 3 rounds'])
      expect(text).toContain(value);
    expect(text).toContain("ours, 4.6.1+turnbuild-1~deb13, metrics on | Debian's, 4.6.1-2");
    expect(text).toMatch(
      /^\| relayed packets per second \| 99,997 \| 100,000 \| 1\.0000 \| 0\.9754 to 1\.0251 \|$/m,
    );
    expect(text).toMatch(/per packet, µs \| 10\.000 \| 10\.000 \| 1\.0000 \| 0\.9755 to 1\.0252 \|$/m);
    expect(text).toMatch(/^\| time to first accepted connection, ms \| 20\.0 \| 20\.0 \| 1\.0000 \|/m);
    expect(text).toMatch(/^\| resident memory with 8 channels, KiB \| 8,000 \| 8,000 \|/m);
    expect(text).toContain("ours 100 %, 60 %, 0.00 %; Debian's 100 %, 60 %, 0.00 %");
  });

  it('judges the goal by the lower bound, not by the mean', () => {
    expect(table(pairsOf([99_000, 100_000, 101_000]), setting)).toContain('**Not met.**');
    expect(table(pairsOf([99_900, 100_000, 100_100]), setting)).toContain('at least 0.98. Met.');
    expect(table(pairsOf([97_000, 97_001, 97_002]), setting)).toContain('**Not met.**');
  });

  it("compares portable with our package, and our package with Debian's, in the same rounds", () => {
    const rounds = pairsOf([100_000, 100_000, 100_000]).map((round) => ({ ...round, portable: run(99_000) }));
    const versions = { portable: 'coturn-4.6.1-linux-x86_64.tar.gz', ...setting.versions };
    const text = table(rounds, { ...setting, versions });
    expect(text).toContain("| portable / ours | 95 % interval | ours / Debian's | 95 % interval |");
    expect(text).toMatch(
      /per second \| 99,000 \| 100,000 \| 100,000 \| 0\.9900 \| 0\.9900 to 0\.9900 \| 1\.0000 \| 1\.0000 to 1\.0000 \|$/m,
    );
    expect(text).toContain('portable / ours is at least 0.98. Met.');
    const slow = rounds.map((round) => ({ ...round, portable: run(97_000) }));
    expect(table(slow, { ...setting, versions })).toContain('portable / ours is at least 0.98. **Not met.**');
    // A side without runs is an error.
    expect(() => table(pairsOf([1, 1]), { ...setting, versions })).toThrow(/without portable/);
  });

  it('warns about a server that lacked CPU time, and about lost packets', () => {
    expect(table(pairsOf([1, 1]), setting)).not.toContain('Warning');
    const waited = table(pairsOf([100_000, 100_000], { serverSeconds: 9 }), setting);
    expect(waited).toContain('in 2 of 4 runs turnserver had less than 95 % of its core');
    const lost = table(pairsOf([100_000, 100_000], { sent: 1_020_000 }), setting);
    expect(lost).toContain('in 2 of 4 runs more than 1 % of the packets were lost');
    expect(lost).not.toContain('of its core, because');
  });
});
