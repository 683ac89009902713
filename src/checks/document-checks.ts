import { sysctlsFor } from '../plan/capacity.ts';
import { type Format, packageLayout } from '../plan/layout.ts';
import { type Check, complaints, fail, notApplicable, type Verdict } from './check.ts';
import type { PackageFacts } from './facts.ts';
import { newsComplaints } from './news.ts';
import { relayRangeOf } from './relay-range.ts';

/** Documents of each format: the name used by recipes/docker/inspection.sh, and the path in the documentation folder. */
const DOCUMENTS: Record<Format, { name: string; path: string }[]> = {
  deb: [
    { name: 'README.Debian', path: 'README.Debian' },
    { name: 'NEWS.Debian', path: 'NEWS.Debian.gz' },
    { name: 'changelog', path: 'changelog.gz' },
    { name: 'changelog.Debian', path: 'changelog.Debian.gz' },
  ],
  rpm: [
    { name: 'README.rpm', path: 'README.rpm' },
    { name: 'ChangeLog', path: 'ChangeLog' },
  ],
};
const FOLDER = '/usr/share/doc/coturn';
/** Upstream's changelogs of every version since 4.5 have this heading, in one of two styles. */
const RELEASE = /^(Version|Release) \d+\.\d+/m;

/** Absolute paths, without trailing slashes, in a package listing from `dpkg-deb -c` or `rpm -q --verbose --list`. */
export function listedPaths(contents: string): Set<string> {
  return new Set(
    contents.split('\n').flatMap((line) => {
      const path = /^[-dlbcps]\S+ .*? \.?(\/.*?)(?: -> .*)?$/.exec(line)?.[1];
      return path === undefined ? [] : [path.replace(/(?!^)\/$/, '')];
    }),
  );
}

const documentIn = ({ inspected }: PackageFacts, name: string) => inspected[`document:${name}`];
const absent = (facts: PackageFacts, what: string) =>
  facts.built ? fail(`the package has no ${what}`) : notApplicable(`the package has no ${what}`);

function judgeDocuments(facts: PackageFacts): Verdict {
  const { target, inspected } = facts;
  const documents = DOCUMENTS[target.format];
  const listed = listedPaths(inspected.contents ?? '');
  const found = documents.flatMap(({ name, path }) => {
    const text = documentIn(facts, name);
    if (text === undefined || !listed.has(`${FOLDER}/${path}`)) return [`there is no ${FOLDER}/${path}`];
    if (text.trim() === '' || text.includes('\uFFFD')) return [`${name} is empty or not UTF-8`];
    const hole = /\{\{\w+\}\}|^%(if-\w+|else|end)\b.*/m.exec(text)?.[0];
    return hole === undefined ? [] : [`${name} was not rendered: ${hole}`];
  });
  // Other packagers may use other names, and need not ship every document.
  if (!facts.built && found.length > 0) return notApplicable(found.join('; '));
  const readme = documentIn(facts, documents[0]?.name ?? '') ?? '';
  for (const word of [
    'static-auth-secret',
    `${packageLayout(target.format).configurationDir}/turnserver.conf`,
  ])
    if (readme !== '' && !readme.includes(word)) found.push(`the README does not mention ${word}`);
  if (
    !RELEASE.test(
      documentIn(facts, documents.find(({ name }) => /^changelog$/i.test(name))?.name ?? '') ?? '',
    )
  )
    found.push("upstream's changelog names no release");
  const news = documentIn(facts, 'NEWS.Debian');
  if (news !== undefined) found.push(...newsComplaints(news, facts.packageVersion));
  return complaints(found, `${documents.map(({ name }) => name).join(', ')}`, {
    documents: documents.length,
  });
}

/** Absolute paths in a text, except those of programs that every system has (/bin, /sbin). */
function pathsNamedIn(text: string): string[] {
  return [
    ...new Set(
      [...text.matchAll(/(?<![\w./])\/(?:etc|usr|var|opt|srv)\/[\w./+-]*[\w+]/g)].map(([path]) => path),
    ),
  ];
}

/** Whether a path is in the package, or in one of coturn's own folders, where the administrator adds files. */
function isThere(path: string, listed: ReadonlySet<string>): boolean {
  const folder = path.slice(0, path.lastIndexOf('/'));
  return listed.has(path) || (/\/(coturn|turn|turnserver)$/.test(folder) && listed.has(folder));
}

function judgePaths(facts: PackageFacts): Verdict {
  const { configuration = '', unit = '', contents } = facts.inspected;
  if (contents === undefined) return fail('the files of the package were not listed');
  const listed = listedPaths(contents);
  // Comments in other packagers' configurations mostly come from coturn's example, whose paths are in /usr/local.
  const settings = facts.built ? configuration : configuration.replace(/^\s*#.*$/gm, '');
  const named = Object.entries({ 'turnserver.conf': settings, 'coturn.service': unit }).flatMap(
    ([file, text]) => pathsNamedIn(text).map((path) => ({ file, path })),
  );
  const missing = named.filter(({ path }) => !isThere(path, listed));
  return complaints(
    missing.map(({ file, path }) => `${file} refers to ${path}, which is not in the package`),
    `${named.length} paths, all in the package`,
    { paths: named.length },
  );
}

function judgeDatabases({ inspected, elf }: PackageFacts): Verdict {
  if (inspected.contents === undefined) return fail('the files of the package were not listed');
  const program = elf.find(({ path }) => path === '/usr/bin/turnserver');
  const hasMongo =
    program !== undefined && /libmongoc|mongoc_client_new/.test(program.dynamic + program.symbols);
  const files = [...listedPaths(inspected.contents)].filter((path) => /mongo/i.test(path));
  if (hasMongo)
    return complaints([], `turnserver supports MongoDB; the package has ${files.length} files for it`);
  return complaints(
    files.map((path) => `${path} is for MongoDB, which turnserver was compiled without`),
    'nothing for MongoDB, which turnserver was compiled without',
  );
}

function judgeSysctls(facts: PackageFacts): Verdict {
  const text = documentIn(facts, 'sysctl.conf');
  if (text === undefined) return absent(facts, 'example for sysctl.d');
  const [minPort, maxPort] = relayRangeOf(facts.inspected.configuration ?? '');
  const wanted = Object.entries(sysctlsFor({ minPort, maxPort })).map(
    ([name, value]) => `${name} = ${value}`,
  );
  const settings = text.split('\n').filter((line) => line.trim() !== '' && !/^\s*[#;]/.test(line));
  const applied = [...listedPaths(facts.inspected.contents ?? '')].filter((path) =>
    /^\/(etc|usr\/lib|lib)\/sysctl\.d\/./.test(path),
  );
  return complaints(
    [
      ...wanted.filter((line) => !settings.includes(line)).map((line) => `"${line}" is missing`),
      ...settings.filter((line) => !wanted.includes(line)).map((line) => `"${line}" is not for this range`),
      ...applied.map((path) => `${path} would be applied automatically to the whole machine`),
    ],
    `${settings.length} settings, not applied automatically`,
    { settings: settings.length },
  );
}

function judgeHint(facts: PackageFacts): Verdict {
  const { files, built, target } = facts;
  const log = files.get('install.log') ?? '';
  const configuration = `${packageLayout(target.format).configurationDir}/turnserver.conf`;
  const says = (text: string) => text.includes('static-auth-secret') && text.includes(configuration);
  if (!says(log) && !built) return notApplicable('the package says nothing of secrets when it is installed');
  const upgrade = files.get('upgrade.log');
  return complaints(
    [
      ...(says(log) ? [] : [`the installation log does not mention static-auth-secret and ${configuration}`]),
      ...(upgrade === undefined ? ['no upgrade was tried'] : []),
      ...(says(upgrade ?? '') ? ['an upgrade tells the administrator to add a secret'] : []),
    ],
    'shown only at the first installation',
  );
}

/** Checks of a package's documents, and of paths and features that its files mention. */
export const documentChecks: Check[] = [
  {
    id: 'package.documents',
    title: 'README, changelogs and NEWS are in the package and well-formed',
    reason:
      'An administrator reads them first; apt-listchanges shows NEWS before an upgrade, if it can parse it.',
    reference: 'https://www.debian.org/doc/debian-policy/ch-docs.html',
    judge: judgeDocuments,
  },
  {
    id: 'package.paths',
    title: 'The configuration and the unit name only paths that exist',
    reason: 'A missing certificate folder or tool is otherwise noticed only during an outage.',
    judge: judgePaths,
  },
  {
    id: 'package.databases',
    title: 'No files for a database that turnserver cannot use',
    reason: 'A MongoDB setup script suggests a backend that turnserver was built without.',
    judge: judgeDatabases,
  },
  {
    id: 'package.sysctls',
    title: 'The sysctl.d example matches the relay range and is not applied automatically',
    reason:
      "Reserving a different range protects nothing; applying it automatically would overwrite the machine's own list.",
    reference: 'https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html',
    judge: judgeSysctls,
  },
  {
    id: 'install.hint',
    needs: { phases: ['install', 'distribution'] },
    title: 'The first installation explains where to set the shared secret; an upgrade does not',
    reason: 'A new server refuses every client until it has credentials, which looks like a fault.',
    judge: judgeHint,
  },
];
