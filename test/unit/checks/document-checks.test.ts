import { describe, expect, it } from 'vitest';
import { documentChecks, listedPaths } from '../../../src/checks/document-checks.ts';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { ids } from '../../support/lab-facts.ts';
import { failedBy, PLANTED, withoutInspected } from '../../support/planted/document.ts';
import { goodFacts, withInspected } from '../../support/verified-facts.ts';
import { portableFacts, program } from '../../support/verified-portable.ts';

const foreign = (facts: PackageFacts): PackageFacts => ({ ...facts, built: false });
const statusOf = (facts: PackageFacts, id: string) =>
  judgeAll(documentChecks, facts).find((each) => each.id === id)?.status;

describe('document checks', () => {
  it('pass on the recorded facts of a .deb', () => expect(failedBy(goodFacts())).toEqual([]));

  it('pass on the recorded facts of an .rpm', () => expect(failedBy(portableFacts())).toEqual([]));

  it.each(PLANTED)('detect a planted fault: %s', (_, plant, expected, message) => {
    const failed = failedBy(plant());
    expect(ids(failed)).toEqual(expected);
    expect(failed[0]?.message).toMatch(message);
  });

  it('each fail on at least one planted fault', () => {
    const planted = new Set(PLANTED.flatMap(([, , expected]) => expected));
    expect(documentChecks.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });

  it('allow MongoDB files if turnserver links the MongoDB driver', () => {
    const facts = withInspected(
      'contents',
      (text) => `${text}-rw-r--r-- a/b 1 ./usr/share/coturn/schema.mongo.sh\n`,
    );
    const turnserver = { ...program('2.34'), dynamic: ' 0x1 (NEEDED)  Shared library: [libmongoc-1.0.so.0]' };
    expect(statusOf(facts, 'package.databases')).toBe('failed');
    expect(statusOf({ ...facts, elf: [turnserver] }, 'package.databases')).toBe('passed');
  });
});

describe("another packager's package", () => {
  it('is exempt from the checks of documents, kernel settings and the installation hint', () => {
    const silent = {
      ...goodFacts(),
      files: new Map([...goodFacts().files, ['install.log', 'Setting up coturn\n']]),
    };
    expect(statusOf(foreign(withoutInspected('document:NEWS.Debian')), 'package.documents')).toBe(
      'not-applicable',
    );
    expect(statusOf(foreign(withoutInspected('document:sysctl.conf')), 'package.sysctls')).toBe(
      'not-applicable',
    );
    expect(statusOf(foreign(silent), 'install.hint')).toBe('not-applicable');
  });

  it('may name other paths in the comments of its configuration, but not in its settings', () => {
    const named = (line: string) => foreign(withInspected('configuration', (text) => `${text}\n${line}\n`));
    expect(statusOf(named('# cert=/usr/local/etc/cert.pem'), 'package.paths')).toBe('passed');
    expect(statusOf(named('cert=/usr/local/etc/cert.pem'), 'package.paths')).toBe('failed');
  });
});

describe('listedPaths', () => {
  it.each([
    ['a line of dpkg-deb', 'drwxr-xr-x root/root         0 2022-12-03 21:21 ./etc/coturn/', '/etc/coturn'],
    [
      'a line of rpm',
      '-rw-r-----    1 root     coturn   6049 Dec  3  2022 /etc/coturn/turnserver.conf',
      '/etc/coturn/turnserver.conf',
    ],
    [
      'a symbolic link',
      'lrwxrwxrwx root/root         0 2022-12-03 21:21 ./usr/bin/turnadmin -> turnserver',
      '/usr/bin/turnadmin',
    ],
    ['a name with a space', '-rw-r--r-- root/root 1 2022-12-03 21:21 ./usr/a file', '/usr/a file'],
    ['the root folder', 'drwxr-xr-x root/root         0 2022-12-03 21:21 ./', '/'],
  ])('reads %s', (_, line, path) => expect([...listedPaths(`${line}\n`)]).toEqual([path]));
});
