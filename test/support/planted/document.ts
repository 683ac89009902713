import { documentChecks } from '../../../src/checks/document-checks.ts';
import type { PackageFacts } from '../../../src/checks/facts.ts';
import { judgeAll } from '../../../src/checks/judge.ts';
import { goodFacts, withFile, withInspected, withoutFile } from '../verified-facts.ts';
import { portableFacts } from '../verified-portable.ts';

export const failedBy = (facts: PackageFacts) =>
  judgeAll(documentChecks, facts).filter(({ status }) => status !== 'passed');

/** Facts without one of the inspected texts. */
export function withoutInspected(name: string): PackageFacts {
  const { [name]: _, ...inspected } = goodFacts().inspected;
  return { ...goodFacts(), inspected };
}

const CHANGELOG = './usr/share/doc/coturn/changelog.gz';
const listing = (line: string) => (text: string) =>
  `${text}-rw-r--r-- root/root 1 2022-12-03 21:21 ${line}\n`;
const news = (change: (text: string) => string) => () => withInspected('document:NEWS.Debian', change);

/** The planted fault, the facts, and the checks that must fail, with a message for the first. */
export const PLANTED: [string, () => PackageFacts, string[], RegExp][] = [
  [
    'a missing README',
    () => withoutInspected('document:README.Debian'),
    ['package.documents'],
    /^there is no \/usr\/share\/doc\/coturn\/README\.Debian$/,
  ],
  [
    'a changelog that is not named as Debian policy requires',
    () => withInspected('contents', (t) => t.replace(CHANGELOG, './usr/share/doc/coturn/ChangeLog.gz')),
    ['package.documents'],
    /^there is no \/usr\/share\/doc\/coturn\/changelog\.gz$/,
  ],
  [
    'an empty changelog',
    () => withInspected('document:changelog', () => '\n'),
    ['package.documents'],
    /^changelog is empty or not UTF-8; upstream's changelog names no release$/,
  ],
  [
    'a changelog without a release',
    () => withInspected('document:changelog', () => 'Lorem ipsum\n'),
    ['package.documents'],
    /^upstream's changelog names no release$/,
  ],
  [
    'a README with an unrendered placeholder',
    () => withInspected('document:README.Debian', (t) => `${t}\nsee {{dataDir}}\n`),
    ['package.documents'],
    /^README\.Debian was not rendered: \{\{dataDir\}\}$/,
  ],
  [
    'a README that does not mention static-auth-secret',
    () => withInspected('document:README.Debian', (t) => t.replaceAll('static-auth-secret', 'secret')),
    ['package.documents'],
    /^the README does not mention static-auth-secret$/,
  ],
  [
    'an .rpm without a README',
    () => {
      const { 'document:README.rpm': _, ...inspected } = portableFacts().inspected;
      return { ...portableFacts(), inspected };
    },
    ['package.documents'],
    /^there is no \/usr\/share\/doc\/coturn\/README\.rpm$/,
  ],
  [
    'NEWS for a version newer than the package',
    news((t) => t.replace('(4.6.1+turnbuild)', '(4.6.2+turnbuild)')),
    ['package.documents'],
    /^NEWS: 4\.6\.2\+turnbuild is newer than the package, 4\.6\.1\+turnbuild-1~deb13$/,
  ],
  ['NEWS without a trailer', news((t) => t.replace(/^ -- .*$/m, '')), ['package.documents'], /no trailer$/],
  [
    'NEWS with a single space before the date',
    news((t) => t.replace('>  ', '> ')),
    ['package.documents'],
    /^NEWS: unexpected line " -- turnbuild/,
  ],
  ['NEWS with an empty entry', news((t) => t.replace(/^ {2}.*$/gm, '')), ['package.documents'], /is empty$/],
  [
    'NEWS that is not in changelog format',
    news(() => 'The unit is new.\n'),
    ['package.documents'],
    /unexpected line/,
  ],
  [
    'a NEWS entry that begins before the trailer of the previous one',
    news((t) => `coturn (4.6.0) trixie; urgency=medium\n\n  Old.\n\n${t}`),
    ['package.documents'],
    /^NEWS: the entry of 4\.6\.0 has no trailer$/,
  ],
  [
    'a configuration that names a missing certificate folder',
    () => withInspected('contents', (t) => t.replace(/^.* \.\/etc\/coturn\/\n/m, '')),
    ['package.paths'],
    /^turnserver\.conf refers to \/etc\/coturn\/cert\.pem, which is not in the package; .*key\.pem/,
  ],
  [
    'a unit that starts a program missing from the package',
    () => withInspected('unit', (t) => t.replace('/usr/bin/turnserver', '/usr/sbin/turnserver')),
    ['package.paths'],
    /^coturn\.service refers to \/usr\/sbin\/turnserver, which/,
  ],
  [
    "a missing list of the package's files",
    () => withoutInspected('contents'),
    ['package.documents', 'package.paths', 'package.databases'],
    /^there is no /,
  ],
  [
    "upstream's MongoDB script in a build without MongoDB",
    () => withInspected('contents', listing('./usr/share/coturn/testmongosetup.sh')),
    ['package.databases'],
    /^\/usr\/share\/coturn\/testmongosetup\.sh is for MongoDB, which turnserver was compiled without$/,
  ],
  [
    'a sysctl example for another port range',
    () => withInspected('document:sysctl.conf', (t) => t.replace('= 49152-', '= 50000-')),
    ['package.sysctls'],
    /"net\.ipv4\.ip_local_reserved_ports = 49152-65534" is missing; .*50000-65534" is not for this range$/,
  ],
  [
    'a missing sysctl example',
    () => withoutInspected('document:sysctl.conf'),
    ['package.sysctls'],
    /^the package has no example/,
  ],
  [
    'kernel settings that are applied automatically',
    () => withInspected('contents', listing('./usr/lib/sysctl.d/60-coturn.conf')),
    ['package.sysctls'],
    /^\/usr\/lib\/sysctl\.d\/60-coturn\.conf would be applied automatically to the whole machine$/,
  ],
  [
    'an installation without the hint to set a secret',
    () => withFile('install.log', (t) => t.replaceAll('static-auth-secret', 'something')),
    ['install.hint'],
    /^the installation log does not mention static-auth-secret and \/etc\/turnserver\.conf$/,
  ],
  [
    'an upgrade with the hint to set a secret',
    () => withFile('upgrade.log', (t) => `${t}coturn: static-auth-secret in /etc/turnserver.conf\n`),
    ['install.hint'],
    /^an upgrade tells the administrator to add a secret$/,
  ],
  ['a missing upgrade log', () => withoutFile('upgrade.log'), ['install.hint'], /^no upgrade was tried$/],
];
