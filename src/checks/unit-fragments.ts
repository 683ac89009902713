const UNIT = 'coturn.service';
/** Where packages have their units. */
const OWN = /^(\/usr)?\/lib\/systemd\/system\/coturn\.service$/;
/** Folders of systemd's units, and what is in them. */
const FOLDER =
  /^\/(?:usr\/local\/lib|usr\/lib|lib|etc|run)\/systemd\/(system|system\.control|system\.attached|transient|generator(?:\.early|\.late)?)\/(.+)$/;
/** Settings of all units, and programs that make units at each boot. */
const OF_ALL =
  /^\/(?:usr\/local\/lib|usr\/lib|lib|etc|run)\/systemd\/(?:system\.conf(?:\.d\/.+)?|system(?:-environment)?-generators\/.+)$/;
/** Folders on the way to those. */
const ON_THE_WAY =
  /^\/(?:(?:etc|run|lib|usr|usr\/lib|usr\/local|usr\/local\/lib)(?:\/systemd(?:\/[^/]+)?)?)$/;
/** What the distribution sets for all services: Fedora's systemd has it. */
const OF_DISTRIBUTION = '/usr/lib/systemd/system/service.d/10-timeout-abort.conf';

/** Slices: what they allow, their services are allowed as well (systemd.resource-control(5)). */
const OF_SLICES = /^(?:[^/]+\.slice(?:\.d\/.+)?|slice\.d\/.+)$/;
/** Folders of drop-ins, and of units that are a part of its start. */
const BESIDE = /^([^/]+)\.service\.(?:d|wants|requires|upholds)(?:\/|$)/;

/** Whether what is in a folder is for a unit: by its name, the name up to one of its dashes, or up to its `@`. */
function isFor(name: string, path: string): boolean {
  const stem = BESIDE.exec(path)?.[1] ?? '';
  return name === `${stem}.service` || (/.[-@]$/.test(stem) && name.startsWith(stem));
}

/** Complaints of paths that define the unit, of which there has to be one. @param what e.g. "the package" */
function onlyOne(paths: readonly string[]): string[] {
  const own = paths.filter((path) => OWN.test(path));
  return [
    ...paths.filter((path) => !OWN.test(path)).map((path) => `${path} changes the unit`),
    ...(own.length > 1 ? [`there are two units: ${own.join(', ')}`] : []),
    ...(own.length === 0 ? [`there is no ${UNIT} in the folder of packages' units`] : []),
  ];
}

/** What is wrong with the files that define the unit in the installed root (src/lab/fragments.ts). */
export const installedComplaints = (paths: readonly string[]) =>
  onlyOne(paths.filter((path) => path !== OF_DISTRIBUTION));

/** What else in a package defines its unit. @param listing kind and path of what is in systemd's folders, and of all links (recipes/docker/inspection.sh) */
export function packagedComplaints(listing: string): string[] {
  const entries = listing.split('\n').map((line) => {
    const [kind = '', path = ''] = line.split('\t');
    return { kind, path };
  });
  const inFolders = entries.flatMap(({ kind, path }) => {
    const rest = FOLDER.exec(path)?.[2];
    return rest === undefined ? [] : [{ kind, path, rest }];
  });
  // An alias is a link, and drop-ins for it are drop-ins for the unit.
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
      .map(({ path }) => `${path} is a link in the place of a folder`),
  ];
}
