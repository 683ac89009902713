import type { CoturnState, ImageState, MachineImageState, SourceState } from '../plan/outdated.ts';
import { alignColumns, plural, printable, wrap } from './format.ts';
import { advisoryLines } from './severity.ts';

interface Found {
  coturn: CoturnState & { where: string };
  libraries: readonly SourceState[];
  images: readonly ImageState[];
  machineImages: readonly MachineImageState[];
  unknown: readonly string[];
}

/** The findings of `turnbuild outdated`, and what to do next. @param columns width of the terminal */
export function renderOutdated(found: Found, columns: number): string {
  const { coturn } = found;
  const paragraphs = [
    table(found, columns),
    advisoryLines(`coturn ${printable(coturn.version)}`, coturn.advisories, columns),
    ...conclusions(found).map(({ text, command }) => [
      ...wrap(text, columns),
      ...(command === undefined ? [] : [`  ${command}`]),
    ]),
  ];
  return `${paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function table({ coturn, libraries, images, machineImages }: Found, columns: number): string[] {
  const rows = [
    ['', 'BUILT', 'NEWEST', 'IN', ''],
    ['coturn', coturn.version, coturn.newest, coturn.where, aboutCoturn(coturn)],
    ...libraries.map((library) => sourceRow(library, aboutSource(library))),
    ...images.map((image) => [
      image.image,
      shortDigest(image.digest),
      image.newest === undefined ? '-' : shortDigest(image.newest),
      'registry',
      aboutImage(image),
    ]),
    ...machineRows(machineImages),
  ].map((row) => row.map(printable));
  const lines = alignColumns(rows, new Set());
  if (lines.every((line) => line.length <= columns)) return lines;
  // The last column is printed on separate lines.
  return alignColumns(
    rows.map((row) => row.slice(0, -1)),
    new Set(),
  ).flatMap((line, index) => [line, ...(index === 0 ? [] : [`  ${rows[index]?.at(-1)}`])]);
}

function aboutCoturn({ outdated, fixed, advisories }: CoturnState): string {
  if (outdated) return fixed.length === 0 ? 'newer release' : 'security update';
  return advisories.length === 0 ? 'up to date' : 'vulnerable';
}

function sourceRow(
  { package: name, version, newest, offeredIn, suite }: SourceState,
  about: string,
): string[] {
  return [name, version, newest ?? '-', offeredIn ?? suite, about];
}

/** The outdated packages of machine images, each once with the images that have it, then the images without any. */
function machineRows(images: readonly MachineImageState[]): string[][] {
  const rows = new Map<string, { state: SourceState; in: string[] }>();
  for (const image of images)
    for (const state of image.packages) {
      const key = `${state.package} ${state.version} ${state.suite}`;
      const row = rows.get(key) ?? { state, in: [] };
      rows.set(key, { ...row, in: [...row.in, `${image.cloud} ${image.arch}`] });
    }
  return [
    ...[...rows.values()].map((row) =>
      sourceRow(row.state, `${aboutSource(row.state)} for ${row.in.join(', ')}`),
    ),
    ...images
      .filter(({ outdated }) => !outdated)
      .map(({ cloud, arch, compared }) => [
        `image ${cloud} ${arch}`,
        plural(compared, 'source package'),
        '',
        '',
        'up to date',
      ]),
  ];
}

function aboutSource({ outdated, security, newest }: SourceState): string {
  if (newest === undefined) return 'no longer in the archive';
  if (!outdated) return 'up to date';
  return security ? 'security update' : 'newer version';
}

const shortDigest = (digest: string) => digest.replace('sha256:', '').slice(0, 12);

function aboutImage({ outdated, newest }: ImageState): string {
  if (newest === undefined) return 'registry not reached';
  return outdated ? 'newer image' : 'up to date';
}

/** A conclusion, and the command that acts on it. */
interface Conclusion {
  text: string;
  command?: string;
}

function conclusions({ coturn, libraries, images, machineImages, unknown }: Found): Conclusion[] {
  const due = libraries.some(({ outdated }) => outdated);
  const all: Conclusion[] = [];
  if (coturn.outdated)
    all.push({ text: 'A newer coturn is available:', command: `turnbuild release ${coturn.newest}` });
  if (due)
    all.push({ text: 'A rebuild is due:', command: `turnbuild release ${coturn.version} --revision auto` });
  all.push(...imagesDue(coturn, machineImages));
  all.push(...remaining(coturn, due));
  const newer = images.some(({ outdated }) => outdated);
  if (all.length === 0 && !newer) all.push({ text: 'Everything is up to date.' });
  if (newer)
    all.push({
      text: 'Newer base images are available. They require no rebuild, because packages come from the archive. To use them in the next release:',
      command: `turnbuild release ${coturn.outdated ? coturn.newest : coturn.version} --refresh-base --update-lock`,
    });
  if (libraries.length === 0)
    all.push({ text: 'Nothing is statically linked: the distribution updates the libraries.' });
  return [...all, ...unchecked(unknown)];
}

function imagesDue({ version }: CoturnState, images: readonly MachineImageState[]): Conclusion[] {
  const due = images.filter(({ outdated }) => outdated);
  if (due.length === 0) return [];
  const words = (list: readonly string[]) => [...new Set(list)].sort().join(',');
  const chosen = `--cloud ${words(due.map(({ cloud }) => cloud))} --arch ${words(due.map(({ arch }) => arch))}`;
  return [
    {
      text: `${due.length === 1 ? 'A machine image has' : 'Machine images have'} outdated packages. Build ${due.length === 1 ? 'it' : 'them'} again:`,
      command: `turnbuild image ${version} ${chosen}`,
    },
  ];
}

/** Vulnerabilities that neither the newest release nor a rebuild fixes. */
function remaining(coturn: Found['coturn'], due: boolean): Conclusion[] {
  const { outdated, advisories, fixed, remedy, newest, where } = coturn;
  if (fixed.length === advisories.length) return [];
  const rebuild = due ? 'The rebuild does not fix' : 'A rebuild would not fix';
  const text = outdated
    ? `coturn ${newest} fixes ${fixed.length} of the ${advisories.length} known vulnerabilities.`
    : `${rebuild} the known vulnerabilities of coturn ${coturn.version}. ${where} has no newer release.`;
  if (remedy === undefined) return [{ text }];
  const source = where === 'Debian' ? ' --source github' : '';
  return [{ text: `${text} All are fixed in ${remedy}:`, command: `turnbuild release ${remedy}${source}` }];
}

function unchecked(targets: readonly string[]): Conclusion[] {
  if (targets.length === 0) return [];
  return [
    {
      text: `Not checked: the libraries of ${targets.join(', ')}. turnbuild does not look up updates of rpm distributions. On a machine with that distribution, run:`,
      command: 'dnf updateinfo list --security',
    },
  ];
}
