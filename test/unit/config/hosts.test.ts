import { expect, it } from 'vitest';
import { hasPort, isAddress, isServer, privateNamesIn } from '../../../src/config/hosts.ts';

it.each([
  ['listening-ip', '10.0.0.1', true],
  ['listening-ip', ' 10.0.0.1 ', true],
  ['listening-ip', 'turn.example.org', true],
  ['listening-ip', '10.0.0.256', false],
  ['listening-ip', '10.0.0.1/10.0.0.2', false],
  ['external-ip', '203.0.113.1', true],
  ['external-ip', '203.0.113.256', false],
  ['external-ip', '203.0.113.1/10.0.0.1', true],
  ['external-ip', '203.0.113.1/', true],
  ['external-ip', '/10.0.0.1', true],
  ['external-ip', '203.0.113.1/10.0.0.256', false],
  ['external-ip', '203.0.113.256/10.0.0.1', false],
  ['external-ip', '203.0.113.1/10.0.0.1/10.0.0.2', false],
])('%s=%s is an address: %s', (name, value, expected) => expect(isAddress(name, value)).toBe(expected));

it.each([
  ['listening-ip', ' relay ', ['relay']],
  ['listening-ip', 'relay/inner', []],
  ['listening-ip', 'relay:3478', []],
  ['listening-ip', 'localhost', []],
  ['listening-ip', 'turn.example.org', []],
  ['listening-ip', '10.0.0.1', []],
  ['aux-server', 'relay:3478', ['relay']],
  ['aux-server', 'relay/inner', []],
  ['external-ip', 'relay/inner', ['relay', 'inner']],
  ['external-ip', 'relay', ['relay']],
])('the private names in %s=%s are %j', (name, value, names) =>
  expect(privateNamesIn(name, value)).toEqual(names),
);

it.each([
  ['relay', true],
  ['relay:65535', true],
  ['relay:65536', false],
  ['relay :3478', true],
  [' relay : 3478', true],
  ['10.0.0.1:3478', true],
  ['10.0.0.256:3478', false],
  ['[::1]:65535', true],
  ['[::1]:65536', false],
  ['[relay]:3478', false],
  ['fe80::1', false],
  [' fe80::1 ', false],
  ['', false],
])('"%s" is a server address: %s', (value, expected) => expect(isServer(value)).toBe(expected));

it.each([
  ['relay:1', true],
  ['relay:01', true],
  ['relay:0', false],
  ['relay', false],
  ['[::1]:1', true],
  ['[::1]', false],
])('%s has a port: %s', (value, expected) => expect(hasPort(value)).toBe(expected));
