import { describe, expect, it } from 'vitest';
import { checkUserData, cloudOf } from '../../../../src/config/machine/check.ts';

const NOW = new Date('2026-12-01T00:00:00Z');
const check = (document: string | Buffer) => checkUserData(Buffer.from(document), 'aws', NOW);
const places = (document: string) =>
  check(document).map(({ path, line, column }) => `${path} ${line}:${column}`);

describe('a problem is located', () => {
  it.each([
    ['at its key', '{\n  "realm": 5,\n  "tls443":\n    1\n}', ['realm 2:3', 'tls443 3:3']],
    ['at an unknown key', '{"a b": 1,\n "relm": 2}', ['(key) 1:2', 'relm 2:2']],
    ['at an item', '{"deniedPeers": ["10.0.0.1",\n"x"]}', ['deniedPeers[1] 2:1']],
    ['at a member of an object', '{"metrics": {"from": ["10.0.0.0/8"],\n"port": 1}}', ['metrics.port 2:1']],
    ['at an item of a member', '{"metrics":\n{"from": [\n7]}}', ['metrics.from[0] 3:1']],
    ['at the object that lacks a member', '{\n"metrics": {}}', ['metrics.from 2:1']],
    ['at the last of equal keys', '{"realm": 5,\n"realm": 6}', ['realm 2:1']],
    [
      'nowhere if a setting is missing',
      '{"privateKey": {"valueFrom": "/k"}}',
      ['certificate undefined:undefined'],
    ],
    ['in UTF-16 code units', '{"realm": "\u{1f600}", "relm": 2}', ['relm 1:17', 'realm 1:2']],
    ['at a syntax error', '{\n  "realm": "x",\n}', ['document 3:1']],
    ['at the end of an unfinished document', '{\n  "realm": "x"\n\n  ', ['document 2:15']],
    ['at a second document', '{}\n\n  {}', ['document 3:3']],
    ['at a line break in a string', '{"realm": "x\n"}', ['document 1:13']],
    ['in a document that is not an object', ' []', ['document 1:1']],
  ])('%s', (_, document, expected) => expect(places(document)).toEqual(expected));
});

describe('bytes that are not UTF-8', () => {
  it.each<[string, Buffer]>([
    ['Latin-1', Buffer.from('{"realm": "\xfc"}', 'latin1')],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0])],
    ['UTF-16', Buffer.from('\uFEFF{}', 'utf16le')],
    ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['an overlong encoding', Buffer.from([0xc0, 0xa0])],
  ])('are reported: %s', (_, bytes) =>
    expect(check(bytes)).toMatchObject([{ path: 'document', message: 'not UTF-8 text' }]),
  );

  it('may be in a startup script', () =>
    expect(check(Buffer.from('#!/bin/sh\necho "\xfc"\n', 'latin1'))).toEqual([]));
});

it('checks a document in a time proportional to its length', () => {
  // Regular expressions would try exponentially many ways to split these.
  const secrets = ['password'.repeat(500), '1234567890'.repeat(500), 'a'.repeat(5000)].map(
    (word) => `${word}~z`,
  );
  const nested = '['.repeat(8000) + ']'.repeat(8000);
  const started = performance.now();
  for (const value of secrets) check(JSON.stringify({ authSecret: { value } }));
  check(`{"sshFrom": ${nested}}`);
  check(`{"sshFrom": [${nested}]}`);
  expect(performance.now() - started).toBeLessThan(5000);
});

describe('without a cloud', () => {
  it.each([
    ['gce', '{"authSecret": {"valueFrom": "projects/my-project/secrets/s"}}'],
    ['gce', '{"realm": 5, "privateKey": {"valueFrom": "projects/my-project/secrets/s/versions/1"}}'],
    ['aws', '{"authSecret": {"valueFrom": "/turn/secret"}}'],
    ['aws', '{"authSecret": {"valueFrom": "projects/p"}, "realm": "projects/my-project/secrets/s"}'],
    ['aws', '#!/bin/sh\n'],
    ['aws', '{'],
    ['aws', '[]'],
    ['aws', ''],
  ])('takes %s for %s', (cloud, document) => expect(cloudOf(Buffer.from(document))).toBe(cloud));
});
