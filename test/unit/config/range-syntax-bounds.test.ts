import { describe, expect, it } from 'vitest';
import {
  checkRange,
  isEverything,
  isUnlimited,
  readRange,
  shortAddress,
} from '../../../src/config/range-syntax.ts';
import { parseSettings } from '../../../src/config/settings.ts';

function range(text: string) {
  const found = readRange(text);
  if (found === undefined) throw new Error(`${text} is not a range`);
  return found;
}

function check(line: string, { version = '4.6.1', everything = false } = {}) {
  return parseSettings(line)
    .flatMap((setting) => checkRange(setting, version, everything))
    .map(({ rule, message }) => `${rule}: ${message}`);
}

describe('the extent of a range', () => {
  it.each([
    ['0.0.0.0-255.255.255.255', true, false],
    ['0.0.0.0-255.255.255.254', false, false],
    ['0.0.0.0-0.0.0.1', false, false],
    ['0.0.0.1-255.255.255.255', false, false],
    ['0.0.0.0-::1', true, false],
    ['0.0.0.0', true, true],
    ['-', true, true],
    ['10.0.0.1-', false, false],
    ['-10.0.0.1', false, false],
  ])('%s contains all of IPv4: %s, and has no limits: %s', (text, everything, unlimited) => {
    expect(isEverything(range(text))).toBe(everything);
    expect(isUnlimited(range(text))).toBe(unlimited);
  });

  it('reads a missing end as the unspecified address', () =>
    expect(readRange('-10.0.0.1')).toEqual({
      start: Buffer.from([0, 0, 0, 0]),
      end: Buffer.from([10, 0, 0, 1]),
    }));

  it('refuses an address with a zone', () => expect(readRange('fe80::1%eth0')).toBeUndefined());
});

describe('a range without an end', () => {
  it.each([
    ['-10.0.0.1', 'lower'],
    ['10.0.0.1-', 'upper'],
  ])('%s has no %s end', (value, end) =>
    expect(check(`denied-peer-ip=${value}`)).toEqual([`open-range: ${value} has no ${end} end`]),
  );
});

describe('a range from the lowest IPv6 address', () => {
  const covers = (name: string) => [`open-range: ${name}=::-::ff also covers every IPv4 address`];

  it.each([
    ['denied-peer-ip', false, covers('denied-peer-ip')],
    ['denied-peer-ip', true, []],
    ['allowed-peer-ip', false, covers('allowed-peer-ip')],
    ['allowed-peer-ip', true, covers('allowed-peer-ip')],
  ])('as %s, with all of IPv4 denied: %s', (name, everything, found) =>
    expect(check(`${name}=::-::ff`, { everything })).toEqual(found),
  );

  it.each(['::1-::ff', '0.0.0.0-0.0.0.255', '10.0.0.1'])('is not %s', (value) =>
    expect(check(`denied-peer-ip=${value}`)).toEqual([]),
  );
});

describe('a CIDR range', () => {
  it.each([
    ['10.1.2.3/8', ': write 10.0.0.0-10.255.255.255'],
    ['192.0.2.200/25', ': write 192.0.2.128-192.0.2.255'],
    ['192.0.2.7/31', ': write 192.0.2.6-192.0.2.7'],
    ['192.0.2.7/32', ': write 192.0.2.7-192.0.2.7'],
    ['192.0.2.7/0', ': write 0.0.0.0-255.255.255.255'],
    ['192.0.2.7/33', ''],
    ['192.0.2.7/008', ''],
    ['192.0.2.7/x', ''],
    ['192.0.2.7/', ''],
    ['fd00::/8', ''],
    ['fd00::/64', ''],
  ])('%s gets the hint "%s"', (value, hint) =>
    expect(check(`denied-peer-ip=${value}`)).toEqual([
      `invalid-range: "${value}" is a CIDR range, which turnserver does not support${hint}`,
    ]),
  );

  it('is recognised as the second end', () =>
    expect(check('denied-peer-ip=10.0.0.1-10.0.0.0/8')).toEqual([
      'invalid-range: "10.0.0.1-10.0.0.0/8" is a CIDR range, which turnserver does not support: write 10.0.0.0-10.255.255.255',
    ]));
});

describe('a malformed range', () => {
  const lookedUp = 'is not an IP address: turnserver looks up a host of that name when it starts';

  it.each([
    ['bogus/8', '"bogus/8" is not an IP address'],
    ['fe80::1%eth0', '"fe80::1%eth0" is not an IP address'],
    ['10.0.0.1-10.0.0.2-10.0.0.3', '"10.0.0.1-10.0.0.2-10.0.0.3" must have exactly two ends'],
    ['10.0.0.1-peer-host', `"peer-host" ${lookedUp}`],
    ['10.0.0.1-bogus', `"bogus" ${lookedUp}`],
    ['bogus-10.0.0.1', `"bogus" ${lookedUp}`],
    ['10.0.0.256', '"10.0.0.256" is not an IP address'],
  ])('%s is explained', (value, message) =>
    expect(check(`denied-peer-ip=${value}`)).toEqual([`invalid-range: ${message}`]),
  );
});

it.each([
  ['255.1', '255.0.0.1'],
  ['256.1', undefined],
  ['255.16777215', '255.255.255.255'],
  ['255.16777216', undefined],
  ['0377.1', '255.0.0.1'],
  ['0400.1', undefined],
])('the legacy notation %s is %s', (text, address) => expect(shortAddress(text)).toBe(address));
