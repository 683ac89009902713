import { describe, expect, it } from 'vitest';
import { accountComplaints } from '../../../src/checks/account-changes.ts';

/** Records of an account that may stay, by how it was created. */
const MADE: Record<string, string[]> = {
  adduser: [
    'passwd turnserver:x:100:101:turnserver daemon:/:/bin/false',
    'passwd- turnserver:x:100:101::/:/bin/false',
    'group turnserver:x:101:',
    'shadow turnserver:!:(day)::::::',
    'gshadow turnserver:!::',
  ],
  'systemd-sysusers': [
    'passwd turnserver:x:999:999:TURN server:/var/lib/turn:/usr/sbin/nologin',
    'group turnserver:x:999:',
    'shadow turnserver:!*:(day)::::::',
    'gshadow turnserver:!*::',
  ],
  'useradd of Red Hat': [
    'passwd turnserver:x:995:992::/var/lib/coturn:/sbin/nologin',
    'group turnserver:x:992:',
    'shadow turnserver:!!:(day)::::::',
    'gshadow turnserver:!::',
  ],
};
const text = (records: readonly string[]) =>
  records.map((each) => `added\t${each.replace(' ', '\t')}\n`).join('');
const complaintsOf = (...records: string[]) => accountComplaints(text(records), 'turnserver');

describe('changes of the account files', () => {
  it.each(Object.entries(MADE))('may be an account that %s has made', (_, records) =>
    expect(complaintsOf(...records)).toEqual([]),
  );

  it('may be none', () => expect(complaintsOf()).toEqual([]));

  it.each([
    ['a number below those of services', 'group turnserver:x:99:'],
    ['a number above those of services', 'group turnserver:x:1000:'],
    ['a number with more digits', 'group turnserver:x:0101:0'],
    ['a password of the group', 'gshadow turnserver:(set)::'],
    ['an administrator of the group', 'gshadow turnserver:!:eve:'],
    ['a member of the group', 'gshadow turnserver:!::eve'],
    ['a password that is no longer locked', 'shadow turnserver:*NP*:(day)::::::'],
    ['another name that begins with its own', 'group turnserver2:x:101:'],
    ['a character that ends a line elsewhere', 'passwd turnserver:x:100:101:a?b:/:/bin/false'],
    ['a record of another form', 'shadow (malformed)'],
    ['a file that has no records of accounts', 'constructor turnserver:x:101:'],
  ])('may not be %s', (_, record) => {
    const [file, ...rest] = record.split(' ');
    expect(complaintsOf(record)).toEqual([`/etc/${file}: the record "${rest.join(' ')}" was added`]);
  });

  it('may not be records that are gone, even if they look like its own', () =>
    expect(accountComplaints('removed\tgroup\tturnserver:x:101:\n', 'turnserver')).toHaveLength(1));

  it('are none where its account was there before', () =>
    expect(accountComplaints(text(MADE.adduser ?? []), undefined)).toHaveLength(5));

  it('need a group of its own', () =>
    expect(complaintsOf('passwd turnserver:x:100:101::/:/bin/false')).toEqual([
      'the primary group of turnserver (101) is not its own group',
    ]));

  it('are listed up to a number', () => {
    const many = Array.from({ length: 13 }, (_, index) => `group eve${index}:x:0:`);
    expect(complaintsOf(...many)).toHaveLength(11);
    expect(complaintsOf(...many).at(-1)).toBe('3 more');
  });
});
