import { describe, expect, it } from 'vitest';
import { configurationOf } from '../../../src/config/configuration.ts';
import { lintSecrets, type Strength } from '../../../src/config/secrets.ts';
import { parseSettings } from '../../../src/config/settings.ts';
import { CONTEXTS, type KnownVersion } from '../../support/configurations.ts';

/** `LINE LEVEL RULE: MESSAGE` of each finding. */
function found(text: string, strength?: Strength, version: KnownVersion = '4.6.1'): string[] {
  return lintSecrets(configurationOf(parseSettings(text), CONTEXTS[version]), strength).map(
    ({ line, level, rule, message }) => `${line} ${level} ${rule}: ${message}`,
  );
}

/** An account whose password is `text`, in a configuration that uses accounts. */
const account = (text: string) => `lt-cred-mech\nuser=alice:${text}`;

describe('without an estimate, the length of a secret decides', () => {
  it.each<[string, string, string[]]>([
    [
      'static-auth-secret',
      `static-auth-secret=${'k3'.repeat(10)}z`,
      ['1 warning weak-secret: the secret of static-auth-secret has only 21 characters'],
    ],
    ['static-auth-secret of 22', `static-auth-secret=${'k3'.repeat(11)}`, []],
    ['static-auth-secret of 23', `static-auth-secret=${'k3'.repeat(11)}z`, []],
    ['user', account('k3k3k3k3z'), ['2 warning weak-secret: the secret of user has only 9 characters']],
    ['user of 10', account('k3k3k3k3zz'), []],
    ['user of 11', account('k3k3k3k3zzz'), []],
  ])('%s', (_, text, expected) => expect(found(text)).toEqual(expected));
});

describe('an estimate decides', () => {
  it.each<[number, string[]]>([
    [
      0.4,
      [
        '1 error weak-secret: the secret of static-auth-secret can be guessed in about 10^1 attempts, which takes less than a second',
      ],
    ],
    [
      9.9,
      [
        '1 error weak-secret: the secret of static-auth-secret can be guessed in about 10^9 attempts, which takes less than a second',
      ],
    ],
    [
      10,
      [
        '1 warning weak-secret: the secret of static-auth-secret can be guessed in about 10^10 attempts (at least 10^18 recommended)',
      ],
    ],
    [
      17.9,
      [
        '1 warning weak-secret: the secret of static-auth-secret can be guessed in about 10^17 attempts (at least 10^18 recommended)',
      ],
    ],
    [18, []],
    [19, []],
  ])('on a shared secret with 10^%d guesses', (digits, expected) =>
    expect(found('static-auth-secret=k3', () => digits)).toEqual(expected),
  );

  it.each<[number, string[]]>([
    [
      9.9,
      [
        '2 error weak-secret: the secret of user can be guessed in about 10^9 attempts, which takes less than a second',
      ],
    ],
    [10, []],
  ])('on a password with 10^%d guesses', (digits, expected) =>
    expect(found(account('k3'), () => digits)).toEqual(expected),
  );
});

describe('the secret of a line', () => {
  const estimated = (text: string, version?: KnownVersion) => {
    const texts: string[] = [];
    found(text, (secret) => texts.push(secret), version);
    return texts;
  };

  it('of an account is what follows the first colon and spaces', () => {
    expect(estimated(account('  pass:word'))).toEqual(['pass:word']);
    expect(estimated('lt-cred-mech\nuser="alice: pass "')).toEqual(['pass ']);
  });

  it('is ignored if clients cannot use it', () => {
    expect(estimated('static-auth-secret=first\nuser=alice:second')).toEqual(['first']);
    expect(estimated('no-auth\nuser=alice:second')).toEqual([]);
    expect(estimated('no-auth\nstatic-auth-secret=first')).toEqual([]);
    expect(estimated('lt-cred-mech\nuser=alice:0x12\nuser=bob:second')).toEqual(['second']);
  });

  it('of the telnet interface is ignored if that is off or needs no password', () => {
    expect(estimated('cli-password=third')).toEqual(['third']);
    expect(estimated('cli-password=third\nno-cli')).toEqual([]);
    expect(estimated('cli-password=')).toEqual([]);
    expect(estimated('realm=third')).toEqual([]);
    expect(estimated('cli-password=third', '4.18.0')).toEqual([]);
  });
});

describe('a known secret', () => {
  it('is empty, published, or the name of the user', () => {
    expect(found('static-auth-secret=')).toEqual([
      '1 error known-secret: static-auth-secret is empty: anyone can compute valid credentials',
    ]);
    expect(found('static-auth-secret=NORTH')).toEqual([
      '1 error known-secret: static-auth-secret has a well-known example value',
    ]);
    expect(found(account('alice'))).toEqual(['2 error known-secret: the password is the name of the user']);
  });
});

describe('a hexadecimal key', () => {
  const key = '0x3f9a1c5e7b2d4f6081a3c5e7092b4d6f';
  const hopeless = () => 3;

  it('is not estimated as the password of an account', () => {
    expect(found(account(key), hopeless)).toEqual([]);
    expect(found(account(key.toUpperCase().replace('X', 'x')), hopeless)).toEqual([]);
  });

  it('is estimated if it repeats one digit', () =>
    expect(found(account(`0x${'a'.repeat(32)}`), hopeless)).toHaveLength(1));

  it('is estimated as a shared secret', () =>
    expect(found(`static-auth-secret=${key}`, hopeless)).toHaveLength(1));

  it('is only a key if it begins with 0x', () =>
    expect(found(account(key.slice(2)), hopeless)).toHaveLength(1));
});
