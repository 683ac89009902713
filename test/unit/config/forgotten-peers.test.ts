import { describe, expect, it } from 'vitest';
import { configurationOf } from '../../../src/config/configuration.ts';
import { describeForgotten, type Forgotten, forgotten, list } from '../../../src/config/forgotten-peers.ts';
import { guardsOf } from '../../../src/config/guards.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { NOT_PUBLIC } from '../../../src/turn/forbidden-peers.ts';
import { parseRange } from '../../../src/turn/peer-ranges.ts';
import { CONTEXTS } from '../../support/configurations.ts';

const guards = guardsOf('4.18.0', configurationOf(parseSettings(''), CONTEXTS['4.18.0']));
const group = (kind: string, more: Partial<Forgotten> = {}): Forgotten => ({
  rule: 'peer-not-denied',
  level: 'error',
  kind,
  peers: [`${kind}1`, `${kind}2`],
  ...more,
});
const guarded = (kind: string) => group(kind, { rule: 'single-guard', level: 'note' });
const shown = (groups: Forgotten[], no = 'no') =>
  describeForgotten(groups, no).map(({ rule, level, message }) => `${level} ${rule}: ${message}`);

describe('forgotten peers', () => {
  it('are reported separately for up to three kinds', () =>
    expect(shown(['a', 'b', 'c'].map((kind) => group(kind)))).toEqual([
      'error peer-not-denied: no denied-peer-ip covers a1, a2 (a)',
      'error peer-not-denied: no denied-peer-ip covers b1, b2 (b)',
      'error peer-not-denied: no denied-peer-ip covers c1, c2 (c)',
    ]));

  it('are reported together for four kinds or more', () =>
    expect(
      shown(
        ['a', 'b', 'c', 'd'].map((kind) => group(kind)),
        'no valid',
      ),
    ).toEqual([
      'error peer-not-denied: no valid denied-peer-ip covers a such as a1, b such as b1, c such as c1, and 1 more',
    ]));

  it('are counted for each rule separately', () =>
    expect(shown([group('a'), group('b'), guarded('c'), guarded('d')])).toEqual([
      'error peer-not-denied: no denied-peer-ip covers a1, a2 (a)',
      'error peer-not-denied: no denied-peer-ip covers b1, b2 (b)',
      "note single-guard: only turnserver's built-in guard denies c1, c2 (c)",
      "note single-guard: only turnserver's built-in guard denies d1, d2 (d)",
    ]));

  it('are reported together if only built-in guards deny four kinds', () =>
    expect(shown(['a', 'b', 'c', 'd'].map(guarded))).toEqual([
      "note single-guard: only turnserver's built-in guards deny a such as a1, b such as b1, c such as c1, and 1 more",
    ]));
});

describe('list', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b', 'c', 'd'], 'a, b, c, d'],
    [['a', 'b', 'c', 'd', 'e'], 'a, b, c, d, and 1 more'],
    [['a', 'b', 'c', 'd', 'e', 'f', 'g'], 'a, b, c, d, and 3 more'],
  ])('shows at most four names: %j', (names, text) => expect(list(names)).toBe(text));

  it('can be limited to fewer', () => expect(list(['a', 'b', 'c'], 2)).toBe('a, b, and 1 more'));
});

describe('addresses next to a range', () => {
  // An IPv6 range that begins at all zeros also contains every IPv4 address.
  const around = NOT_PUBLIC.map((text) => parseRange(text.replace(/^::-/, '::1-')));
  /** The ranges without 10.0.0.0/8, then the parts of it that are denied. */
  const missing = (...parts: string[]) =>
    forgotten(
      [
        ...around.filter((_, index) => NOT_PUBLIC[index]?.startsWith('10.') !== true),
        ...parts.map(parseRange),
      ],
      guards,
    ).map(({ rule, level, kind, peers }) => `${level} ${rule} ${kind}: ${peers}`);

  it('are not reported if every range is denied', () => expect(forgotten(around, guards)).toEqual([]));

  it('reveal a gap in the middle of a network', () =>
    expect(missing('10.0.0.0-10.4.255.255', '10.6.0.0-10.255.255.255')).toEqual([
      'error peer-not-denied private (RFC 1918): 10.5.0.0,10.5.255.255',
    ]));

  it('reveal a gap of one address once', () =>
    expect(missing('10.0.0.0-10.4.255.255', '10.5.0.1-10.255.255.255')).toEqual([
      'error peer-not-denied private (RFC 1918): 10.5.0.0',
    ]));

  it('do not wrap around after the last address', () => {
    const peers = forgotten([parseRange('4000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')], guards).flatMap(
      (each) => each.peers,
    );
    expect(peers).not.toContain('1000::');
    expect(peers).toContain('10.0.0.1');
  });

  it('are not checked in lists of more than 2000 ranges', () => {
    const halves = ['10.0.0.0-10.4.255.255', '10.6.0.0-10.255.255.255'];
    const fill = (count: number) => Array.from({ length: count }, () => '1.1.1.1');
    const ranges = around.length - 1 + halves.length;
    expect(missing(...halves, ...fill(2000 - ranges))).toHaveLength(1);
    expect(missing(...halves, ...fill(2001 - ranges))).toEqual([]);
  });
});
