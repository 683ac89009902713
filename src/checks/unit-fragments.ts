const UNIT = 'coturn.service';
/** The path of the unit in a package. */
const OWN = /^(\/usr)?\/lib\/systemd\/system\/coturn\.service$/;
/** Paths in systemd's unit folders. */
const FOLDER =
  /^\/(?:usr\/local\/lib|usr\/lib|lib|etc|run)\/systemd\/(system|system\.control|system\.attached|transient|generator(?:\.early|\.late)?)\/(.+)$/;
/** Settings of all units, and generators, which create units at boot. */
const OF_ALL =
  /^\/(?:usr\/local\/lib|usr\/lib|lib|etc|run)\/systemd\/(?:system\.conf(?:\.d\/.+)?|system(?:-environment)?-generators\/.+)$/;
/** Parents of those folders. */
const ON_THE_WAY =
  /^\/(?:(?:etc|run|lib|usr|usr\/lib|usr\/local|usr\/local\/lib)(?:\/systemd(?:\/[^/]+)?)?)$/;
/** A drop-in of Fedora's systemd for all services. */
const OF_DISTRIBUTION = '/usr/lib/systemd/system/service.d/10-timeout-abort.conf';

/** Slices: their settings also apply to their services (systemd.resource-control(5)). */
const OF_SLICES = /^(?:[^/]+\.slice(?:\.d\/.+)?|slice\.d\/.+)$/;
/** Folders of drop-ins, and of units that start with the unit. */
const BESIDE = /^([^/]+)\.service\.(?:d|wants|requires|upholds)(?:\/|$)/;

/** Whether a folder applies to a unit: by the unit's name, its prefix up to a dash, or up to its `@`. */
function isFor(name: string, path: string): boolean {
  const stem = BESIDE.exec(path)?.[1] ?? '';
  return name === `${stem}.service` || (/.[-@]$/.test(stem) && name.startsWith(stem));
}

/** Complaints unless exactly one path defines the unit. */
function onlyOne(paths: readonly string[]): string[] {
  const own = paths.filter((path) => OWN.test(path));
  return [
    ...paths.filter((path) => !OWN.test(path)).map((path) => `${path} changes the unit`),
    ...(own.length > 1 ? [`the unit is defined twice: ${own.join(', ')}`] : []),
    ...(own.length === 0 ? [`${UNIT} is not in /usr/lib/systemd/system or /lib/systemd/system`] : []),
  ];
}

/** Complaints about the files that define the unit in the installed root (src/lab/fragments.ts). */
export const installedComplaints = (paths: readonly string[]) =>
  onlyOne(paths.filter((path) => path !== OF_DISTRIBUTION));

/**
 * Complaints about everything else in a package that defines its unit.
 * @param listing kind and path of the entries of systemd's folders and of all links (recipes/docker/inspection.sh)
 */
export function packagedComplaints(listing: string): string[] {
  const entries = listing.split('\n').map((line) => {
    const [kind = '', path = ''] = line.split('\t');
    return { kind, path };
  });
  const inFolders = entries.flatMap(({ kind, path }) => {
    const rest = FOLDER.exec(path)?.[2];
    return rest === undefined ? [] : [{ kind, path, rest }];
  });
  // An alias is a link; its drop-ins apply to the unit.
  const names = [
    UNIT,
    ...inFolders.filter(({ kind, rest }) => kind === 'l' && !rest.includes('/')).map(({ rest }) => rest),
  ];
  const isFolder = (path: string) =>
    /^service\.d(?:\/|$)/.test(path) || names.some((name) => isFor(name, path));
  const defining = inFolders.filter(
    ({ kind, rest }) => rest === UNIT || (isFolder(rest) && (kind !== 'd' || /\/./.test(rest))),
  );
  return [
    ...onlyOne(defining.map(({ path }) => path)),
    ...entries.filter(({ path }) => OF_ALL.test(path)).map(({ path }) => `${path} applies to all units`),
    ...inFolders
      .filter(({ rest }) => OF_SLICES.test(rest))
      .map(({ path }) => `${path} applies to all units of a slice`),
    ...entries
      .filter(({ kind, path }) => kind === 'l' && ON_THE_WAY.test(path))
      .map(({ path }) => `${path} is a link where a folder is expected`),
  ];
}
