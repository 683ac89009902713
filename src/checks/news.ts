import { compareDebianVersions } from '../plan/debian-version.ts';

/** First line of an entry, as parsed by dpkg-parsechangelog and apt-listchanges. */
const HEADING = /^coturn \(([^\s()]+)\)((?: [\w+.-]+)+); urgency=(low|medium|high)$/;
/** Last line of an entry. The format requires two spaces before the date. */
const TRAILER =
  /^ -- [^<>]+ <[^<>\s]+@[^<>\s]+> {2}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} [+-]\d{4}$/;

/** Complaints about a NEWS.Debian. It needs at least one entry, each with a heading, text and a trailer. */
export function newsComplaints(text: string, packageVersion: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const found: string[] = [];
  let entry: { version: string; text: number } | undefined;
  for (const line of lines) {
    const version = HEADING.exec(line)?.[1];
    if (version !== undefined) {
      if (entry !== undefined) found.push(`NEWS: the entry of ${entry.version} has no trailer`);
      entry = { version, text: 0 };
      // An entry for a version newer than the package would be shown at every upgrade.
      if (compareDebianVersions(version, packageVersion) > 0)
        found.push(`NEWS: ${version} is newer than the package, ${packageVersion}`);
    } else if (entry !== undefined && TRAILER.test(line)) {
      if (entry.text === 0) found.push(`NEWS: the entry of ${entry.version} is empty`);
      entry = undefined;
    } else if (entry !== undefined && line.startsWith('  ')) entry.text += 1;
    else found.push(`NEWS: unexpected line "${line}"`);
  }
  if (entry !== undefined) found.push(`NEWS: the entry of ${entry.version} has no trailer`);
  if (lines.length === 0) found.push('NEWS: it has no entry');
  return found;
}
