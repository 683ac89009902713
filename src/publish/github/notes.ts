import type { Manifest, ManifestStep } from '../../manifest/schema.ts';
import { linkedLibraries } from '../../plan/outdated.ts';
import type { PackageGroup } from '../packages.ts';
import { formatMarker, type Marker } from './marker.ts';

/** What a release's notes are made from. */
export interface NotesInput {
  manifest: Manifest;
  /** Digest of the manifest. */
  digest: string;
  /** The published packages. */
  groups: readonly PackageGroup[];
  /** Names of the release's files on GitHub. */
  files: readonly string[];
  /** The newest published release that is older, and what its notes say about it, if they do. */
  previous: { release: string; marker: Marker | undefined } | undefined;
  /** Fingerprint of the key that signs; undefined: nothing is signed. */
  key: string | undefined;
}

/** The notes of a release, as Markdown. */
export function releaseNotes(input: NotesInput): string {
  const { manifest, digest } = input;
  const marker = { release: manifest.packageVersion, manifest: digest, libraries: librariesOf(input) };
  const sections = [
    introduction(manifest),
    section(`Changes since ${input.previous?.release}`, changes(input)),
    section('Statically linked libraries', linked(input)),
    section('Accepted advisories', advisories(input)),
    section('Verification', verification(input)),
    section('Install', installation(input)),
    section('Verify a download', downloads(input)),
    formatMarker(marker),
  ];
  return `${sections.filter((each) => each !== '').join('\n\n')}\n`;
}

const section = (title: string, lines: readonly string[]) =>
  lines.length === 0 ? '' : [`### ${title}`, '', ...lines].join('\n');

function introduction({ coturn, turnbuild, packageVersion }: Manifest): string {
  return `coturn ${coturn.version}, package revision ${coturn.revision} (\`${packageVersion}\`), built and verified by turnbuild ${turnbuild}.`;
}

/** What differs from the previous release; nothing if there is none. */
function changes(input: NotesInput): string[] {
  const { previous } = input;
  if (previous === undefined) return [];
  const [, version = '', revision = ''] = /^(.+)\+turnbuild-(\d+)$/.exec(previous.release) ?? [];
  const { coturn } = input.manifest;
  const lines =
    version === coturn.version
      ? [`- Package revision ${revision} -> ${coturn.revision} of the same coturn version`]
      : [`- coturn ${version} -> ${coturn.version}`];
  const [before, now] = [previous.marker?.libraries ?? {}, librariesOf(input)];
  // A release of other targets may have no statically linked libraries at all.
  if (Object.keys(before).length === 0 || Object.keys(now).length === 0) return lines;
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  const text = (versions: readonly string[] | undefined) => versions?.join(', ') ?? 'not linked';
  return [
    ...lines,
    ...names
      .filter((name) => text(before[name]) !== text(now[name]))
      .map((name) => `- ${name} (statically linked) ${text(before[name])} -> ${text(now[name])}`),
  ];
}

/** Which versions are linked in; nothing if the packages use the distribution's libraries. */
const linked = (input: NotesInput) =>
  Object.entries(librariesOf(input)).map(([name, versions]) => `- ${name} ${versions.join(', ')}`);

/** Statically linked libraries: source package -> versions, in a fixed order. */
function librariesOf({ manifest, groups }: Pick<NotesInput, 'manifest' | 'groups'>): Marker['libraries'] {
  const steps = manifest.steps.filter((step) => groups.some((group) => isOf(step, group)));
  const lines = steps.flatMap(({ facts }) => (Array.isArray(facts?.linked) ? facts.linked : []));
  const used = linkedLibraries(lines.filter((line) => typeof line === 'string'));
  const names = [...new Set(used.map((each) => each.package))].sort();
  const versionsOf = (name: string) =>
    [...new Set(used.filter((each) => each.package === name).map(({ version }) => version))].sort();
  return Object.fromEntries(names.map((name) => [name, versionsOf(name)]));
}

const isOf = ({ target, arch, cloud }: ManifestStep, group: PackageGroup) =>
  cloud === undefined && target === group.target && arch === group.arch;

function advisories({ manifest, groups }: NotesInput): string[] {
  const ids = [...new Set(groups.flatMap(({ accepted }) => accepted))].sort();
  if (ids.length === 0) return [];
  const lines = ids.map((id) => {
    const known = manifest.advisories.find((each) => each.id === id);
    if (known === undefined) return `- ${id}`;
    return `- [${id}](${known.reference}) (${known.severity}): ${plain(known.summary)} Fixed in coturn ${known.fixed}.`;
  });
  return [
    'Some checks failed because of these known advisories, which were accepted for this release.',
    '',
    ...lines,
  ];
}

/** Text without meaning for Markdown and HTML. */
const plain = (text: string) => text.replaceAll('<', '&lt;').replace(/[[\]|*_`\\]/g, '\\$&');

function verification({ manifest, groups }: NotesInput): string[] {
  const rows = groups.map((group) => {
    const checks =
      manifest.steps.find((step) => step.checks !== undefined && isOf(step, group))?.checks ?? [];
    const count = (status: string) => checks.filter((check) => check.status === status).length;
    const figures = checks.find(({ id }) => id === 'capacity.ports')?.figures ?? {};
    const bytes = figures['resident bytes per allocation'];
    const memory = typeof bytes === 'number' ? `${Math.round(bytes / 102.4) / 10} KiB` : 'not measured';
    const cells = [
      group.target,
      group.arch,
      count('passed'),
      count('accepted'),
      count('cannot-here'),
      memory,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    'Each package was installed and exercised with real traffic. `report.html` has every check.',
    '',
    '| Target | Architecture | Checks passed | Failures accepted | Checks not run | Memory per allocation |',
    '| --- | --- | ---: | ---: | ---: | ---: |',
    ...rows,
  ];
}

function installation({ files }: NotesInput): string[] {
  const find = (pattern: RegExp) => files.filter((name) => pattern.test(name)).sort()[0];
  const deb = find(/^coturn_.*\.deb$/);
  const rpm = find(/^coturn-\d.*(?<!\.src)\.rpm$/);
  return [
    ...(deb === undefined
      ? []
      : [
          'Debian and Ubuntu: download the `.deb` for your release and architecture, and',
          '',
          `    apt-get install ./${deb}`,
        ]),
    ...(deb === undefined || rpm === undefined ? [] : ['']),
    ...(rpm === undefined
      ? []
      : [
          'RHEL and compatible distributions: download the `.rpm` for your architecture, and',
          '',
          `    dnf install ./${rpm}`,
        ]),
  ];
}

function downloads({ key }: NotesInput): string[] {
  const sums = '    sha256sum --check --ignore-missing SHA256SUMS';
  if (key === undefined) return ['In the folder with the files and `SHA256SUMS`:', '', sums];
  return [
    'In the folder with the files, `SHA256SUMS`, `SHA256SUMS.asc` and `key.asc`:',
    '',
    '    gpg --import key.asc',
    '    gpg --verify SHA256SUMS.asc SHA256SUMS',
    sums,
    '',
    `The signing key's fingerprint is \`${key}\`. Compare it with one that you got from the publisher in another way: anyone who can replace the files can also replace \`key.asc\` and these notes.`,
  ];
}
