import { describe, expect, it } from 'vitest';
import { accountComplaints } from '../../../src/checks/account-changes.ts';

/** Records of an account that is allowed to stay, by the tool that created it. */
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
  "Red Hat's useradd": [
    'passwd turnserver:x:995:992::/var/lib/coturn:/sbin/nologin',
    'group turnserver:x:992:',
    'shadow turnserver:!!:(day)::::::',
    'gshadow turnserver:!::',
  ],
};
const text = (records: readonly string[]) =>
  records.map((each) => `added\t${each.replace(' ', '\t')}\n`).join('');
const complaintsOf = (...records: string[]) => accountComplaints(text(records), 'turnserver');

describe('changes to the account files', () => {
  it.each(Object.entries(MADE))('may add an account that %s created', (_, records) =>
    expect(complaintsOf(...records)).toEqual([]),
  );

  it('may be absent', () => expect(complaintsOf()).toEqual([]));

  it.each([
    ['an id below the range for services', 'group turnserver:x:99:'],
    ['an id above the range for services', 'group turnserver:x:1000:'],
    ['a zero-padded id with a group member', 'group turnserver:x:0101:0'],
    ['a group password', 'gshadow turnserver:(set)::'],
    ['a group administrator', 'gshadow turnserver:!:eve:'],
    ['a group member', 'gshadow turnserver:!::eve'],
    ['an unlocked password', 'shadow turnserver:*NP*:(day)::::::'],
    ['another name with the same prefix', 'group turnserver2:x:101:'],
    ['a control character, replaced by a question mark', 'passwd turnserver:x:100:101:a?b:/:/bin/false'],
    ['a malformed record', 'shadow (malformed)'],
    ['a file that is not an account file', 'constructor turnserver:x:101:'],
  ])('must not add %s', (_, record) => {
    const [file, ...rest] = record.split(' ');
    expect(complaintsOf(record)).toEqual([`/etc/${file}: the record "${rest.join(' ')}" was added`]);
  });

  it('must not remove records, not even those of the service account', () =>
    expect(accountComplaints('removed\tgroup\tturnserver:x:101:\n', 'turnserver')).toHaveLength(1));

  it('must not add the account if it existed before', () =>
    expect(accountComplaints(text(MADE.adduser ?? []), undefined)).toHaveLength(5));

  it('must give the account a group of its own', () =>
    expect(complaintsOf('passwd turnserver:x:100:101::/:/bin/false')).toEqual([
      'the primary group of turnserver (101) is not its own group',
    ]));

  it('are listed up to the tenth', () => {
    const many = Array.from({ length: 13 }, (_, index) => `group eve${index}:x:0:`);
    expect(complaintsOf(...many)).toHaveLength(11);
    expect(complaintsOf(...many).at(-1)).toBe('3 more');
  });
});
