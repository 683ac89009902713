import { nearestName } from '../errors.ts';
import { versionIn } from '../recipe/coturn-version.ts';
import { type Finding, finding, type LintContext } from './finding.ts';
import type { Setting } from './settings.ts';

const BYTE_ORDER_MARK = '\uFEFF';
/** Longest name that is compared: the table's longest one is half of it. */
const MOST_LETTERS = 70;
/** Unknown names that are compared with the table: a file with more of them is no turnserver.conf. */
const MOST_NAMES = 1000;

/** Says of a line that this version has no option for what it may have been meant for. Each name is looked for once. */
export function unknownOptions({ version, options, removed }: LintContext): (setting: Setting) => Finding[] {
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
    const gone = removed.find((each) => each.option === name && versionIn(version, `>=${each.removed}`));
    if (gone !== undefined)
      return [
        finding('removed-option', 'error', setting, `${name} is gone since ${gone.removed}: ${gone.note}`),
      ];
    const meant = nearest(name);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    const shown = name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS)}...` : name;
    return [
      finding('unknown-option', 'error', setting, `turnserver ${version} has no option "${shown}"${hint}`),
    ];
  };
}

function meantBy(name: string, names: readonly string[]): string | undefined {
  // As on a command line, in capitals, with underscores, or with what follows the name.
  const plain = name.replace(/^-+/, '').replace(/[:;,#].*$/, '');
  const same = names.find((each) => each.toLowerCase() === plain.toLowerCase().replaceAll('_', '-'));
  const near = same ?? nearestName(plain, names);
  // Never the opposite of what was meant.
  return near === plain.replace(/^no-/, '') || plain === near?.replace(/^no-/, '') ? undefined : near;
}

function byteOrderMark(setting: Setting, names: readonly string[]): Finding {
  const name = setting.name.slice(1);
  const lost = names.includes(name) ? `: turnserver runs without ${name}` : '';
  return finding(
    'unknown-option',
    lost === '' ? 'warning' : 'error',
    setting,
    `the file begins with a byte order mark, which turnserver takes for a part of the first line${lost}; save it without`,
  );
}
