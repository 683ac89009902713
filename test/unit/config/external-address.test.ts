import { describe, expect, it } from 'vitest';
import { configurationOf } from '../../../src/config/configuration.ts';
import { lintExternalAddress, lintOwnAddresses, mappingOf } from '../../../src/config/external-address.ts';
import type { Finding } from '../../../src/config/finding.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { CONTEXTS } from '../../support/configurations.ts';

const configuration = (text: string) => configurationOf(parseSettings(text), CONTEXTS['4.18.0']);
const shown = (findings: Finding[]) =>
  findings.map(({ line, level, rule, message }) => `${line} ${level} ${rule}: ${message}`);
const external = (...values: string[]) =>
  shown(lintExternalAddress(configuration(values.map((value) => `external-ip=${value}`).join('\n'))));
const own = (...lines: string[]) => shown(lintOwnAddresses(configuration(lines.join('\n'))));

const SECOND =
  '2 error repeated-option: turnserver ignores a second external-ip without a slash; write external-ip=PUBLIC/PRIVATE for each address';
const PRIVATE =
  'warning unreachable-address: clients get the relay address 10.0.0.1 (private (RFC 1918)), which peers on the internet cannot reach';

describe('the address that clients receive', () => {
  it('may be public', () => expect(external('1.1.1.1')).toEqual([]));

  it('is reported if it is private', () => expect(external('10.0.0.1')).toEqual([`1 ${PRIVATE}`]));

  it('is an error if it is a loopback address', () =>
    expect(external('127.0.0.1')).toEqual([
      '1 error unreachable-address: clients get the relay address 127.0.0.1 (loopback), which peers on the internet cannot reach',
    ]));

  it('is read without the spaces around it', () => expect(external('10.0.0.1 /10.0.0.2')).toHaveLength(1));

  it('comes from the first line; a second one is reported as ignored', () =>
    expect(external('1.1.1.1', '10.0.0.1')).toEqual([SECOND]));

  it('may be set after an empty external-ip', () =>
    expect(shown(lintExternalAddress(configuration('external-ip=\nexternal-ip=1.1.1.1')))).toEqual([]));

  it('is not judged if the private end is a placeholder', () =>
    expect(external('10.0.0.1/YOUR_PRIVATE_IP')).toEqual([]));

  it('is 0.0.0.0 if the public end is empty', () =>
    expect(external('/10.0.0.1')).toEqual([
      '1 error unreachable-address: the public end of external-ip is empty: clients get 0.0.0.0',
    ]));
});

describe('a pair of addresses', () => {
  it('is swapped if only the private end is public', () =>
    expect(external('10.0.0.1/1.1.1.1')).toEqual([
      '1 error unreachable-address: clients get 10.0.0.1 (private (RFC 1918)): the two addresses are swapped, write external-ip=1.1.1.1/10.0.0.1',
    ]));

  it('is not swapped if both ends are private', () =>
    expect(external('10.0.0.1/10.0.0.2')).toEqual([`1 ${PRIVATE}`]));

  it.each(['10.0.0.1/eth0', '10.0.0.1/', '10.0.0.1/1.1.1.1/8'])('is not swapped if it is %s', (value) =>
    expect(external(value)).toEqual([`1 ${PRIVATE}`]),
  );

  it('may be written twice', () => expect(external('1.1.1.1/10.0.0.1', '1.1.1.1/10.0.0.1')).toEqual([]));

  it('must match the first pair with the same private end', () =>
    expect(external('1.1.1.1/10.0.0.1', '8.8.8.8/10.0.0.1', '1.1.1.1/10.0.0.1')).toEqual([
      '2 error repeated-option: 10.0.0.1 is announced as 1.1.1.1 by an earlier line',
    ]));

  it.each([
    ['1.1.1.1', { announced: '1.1.1.1', inside: undefined }],
    ['1.1.1.1/', { announced: '1.1.1.1', inside: '' }],
    [' 1.1.1.1 / 10.0.0.1 ', { announced: '1.1.1.1', inside: '10.0.0.1' }],
    ['1.1.1.1/10.0.0.1/8', { announced: '1.1.1.1', inside: '10.0.0.1/8' }],
  ])('is split at the first slash: "%s"', (value, ends) => expect(mappingOf({ value })).toEqual(ends));
});

describe("the server's own addresses", () => {
  const LISTENS = 'turnserver listens on 127.0.0.1 (loopback) only';

  it('are also the relay addresses without relay-ip', () =>
    expect(own('listening-ip=127.0.0.1')).toEqual([
      `1 error unreachable-address: ${LISTENS}, and relays there`,
    ]));

  it('may be loopback, with a warning, if relay-ip is not', () =>
    expect(own('listening-ip=127.0.0.1', 'relay-ip=1.1.1.1')).toEqual([
      `1 warning unreachable-address: ${LISTENS}`,
    ]));

  it('are also the relay addresses if relay-ip is empty', () =>
    expect(own('listening-ip=127.0.0.1', 'relay-ip=')).toEqual([
      `1 error unreachable-address: ${LISTENS}, and relays there`,
    ]));

  it('are accepted if one of them is not loopback', () =>
    expect(own('listening-ip=127.0.0.1', 'listening-ip=10.0.0.1')).toEqual([]));

  it('do not include an empty listening-ip', () =>
    expect(own('listening-ip=', 'listening-ip=127.0.0.1')).toEqual([
      `2 error unreachable-address: ${LISTENS}, and relays there`,
    ]));

  it('must not include a loopback relay-ip', () =>
    expect(own('relay-ip=127.0.0.1')).toEqual([
      '1 error unreachable-address: peers cannot reach a relay at 127.0.0.1 (loopback)',
    ]));

  it.each(['0.0.0.0', '::', '10.0.0.1', '1.1.1.1', 'eth0'])('may include relay-ip=%s', (address) =>
    expect(own(`relay-ip=${address}`)).toEqual([]),
  );

  it('are read without the spaces around them', () => {
    const setting = { name: 'relay-ip', value: ' 127.0.0.1 ' };
    const [written] = parseSettings('relay-ip=127.0.0.1');
    const spaced = {
      ...configuration(''),
      settings: [{ ...(written as NonNullable<typeof written>), ...setting }],
    };
    expect(shown(lintOwnAddresses(spaced))).toEqual([
      '1 error unreachable-address: peers cannot reach a relay at  127.0.0.1  (loopback)',
    ]);
  });
});
