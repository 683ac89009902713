import { nearestName } from '../errors.ts';
import { type Finding, finding, type LintContext } from './finding.ts';
import { addedLater, removedOption } from './option-catalogue.ts';
import type { Setting } from './settings.ts';

const BYTE_ORDER_MARK = '\uFEFF';
/** Maximum length of a compared name, twice that of the longest option. */
const MOST_LETTERS = 70;
/** Maximum unknown names compared with the table. A file with more is not a turnserver.conf. */
const MOST_NAMES = 1000;
/** Options that make a server less safe. They are suggested only for names that differ just in case or separators. */
const WEAKENING =
  /^(no-auth|allow-loopback-peers|allowed-peer-ip|server-relay|dh566|dh1066|tlsv1|tlsv1_1|no-tlsv1_2|no-tls|no-auth-pings|stun-only|cli|web-admin(-listen-on-workers)?|prod)$/;

/** Reports lines without an option in this version, and suggests the option that was probably meant. Looks up each name once. */
export function unknownOptions({ version, options }: LintContext): (setting: Setting) => Finding[] {
  const names = options.map(({ name }) => name);
  const near = new Map<string, string | undefined>();
  const nearest = (name: string) => {
    const compared = name.length <= MOST_LETTERS && near.size < MOST_NAMES;
    if (compared && !near.has(name)) near.set(name, meantBy(name, names));
    return near.get(name);
  };
  return (setting) => {
    const { name } = setting;
    if (name.startsWith(BYTE_ORDER_MARK)) return [byteOrderMark(setting, names)];
    const gone = removedOption(name, version);
    if (gone !== undefined) {
      const message = `${name} was removed in coturn ${gone.removed}: ${gone.instead}`;
      return [finding('removed-option', gone.fulfilled ? 'warning' : 'error', setting, message)];
    }
    const later = addedLater(name, version);
    if (later !== undefined) {
      const message = `turnserver ${version} has no option ${name}: it was added in ${later}`;
      return [finding('unknown-option', 'error', setting, message)];
    }
    const meant = nearest(name);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    const shown = name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS)}...` : name;
    return [
      finding('unknown-option', 'error', setting, `turnserver ${version} has no option "${shown}"${hint}`),
    ];
  };
}

function meantBy(name: string, names: readonly string[]): string | undefined {
  // The name may have leading dashes, capitals, underscores or trailing punctuation.
  const plain = name.replace(/^-+/, '').replace(/[:;,#].*$/, '');
  const same = names.find((each) => each.toLowerCase() === plain.toLowerCase().replaceAll('_', '-'));
  if (same !== undefined) return same;
  const near = nearestName(
    plain,
    names.filter((each) => !WEAKENING.test(each)),
  );
  // Never suggest the opposite.
  return near === plain.replace(/^no-/, '') || plain === near?.replace(/^no-/, '') ? undefined : near;
}

function byteOrderMark(setting: Setting, names: readonly string[]): Finding {
  const name = setting.name.slice(1);
  const lost = names.includes(name) ? `: turnserver ignores ${name}` : '';
  return finding(
    'unknown-option',
    lost === '' ? 'warning' : 'error',
    setting,
    `the file begins with a byte order mark, which turnserver reads as part of the first line${lost}; save the file without it`,
  );
}
