import { expect, it } from 'vitest';
import { renderAction, renderDestination } from '../../../src/ui/publish.ts';

const ACTIONS = [
  { do: 'create', path: 'apt/pool/main/c/coturn/coturn_1_amd64.deb', size: 2048, file: 'coturn_1_amd64.deb' },
  { do: 'reuse', path: 'apt/pool/main/c/coturn/coturn_1_arm64.deb', size: 4096, file: 'coturn_1_arm64.deb' },
  { do: 'create', path: 'apt/dists/trixie/main/binary-amd64/by-hash/SHA256/abc', size: 1000 },
  { do: 'replace', path: 'key.asc', size: 24 },
  { do: 'point', path: 'apt/dists/trixie/InRelease' },
] as const;
const [OLD, ...NEWER] = ['4.17.0+turnbuild-1', '4.18.0+turnbuild-1', '4.19.0+turnbuild-1'] as const;
const OFFERS = [
  { name: 'noble', before: NEWER, releases: [OLD] },
  { name: 'trixie', before: NEWER, releases: [OLD] },
  { name: 'bookworm', before: [OLD], releases: [OLD] },
  { name: 'jammy', before: [OLD, '4.18.0+turnbuild-1'], releases: [OLD] },
];
const DESTINATION = { to: 'apt', where: '/srv/packages', channel: 'stable', key: 'KEY', actions: ACTIONS };

it('a destination is shown with its packages and pointers', () => {
  expect(renderDestination(DESTINATION, OFFERS, false)).toEqual([
    'apt: channel stable of /srv/packages',
    '  signed by KEY',
    '  noble, trixie: gets 4.17.0+turnbuild-1; loses 4.18.0+turnbuild-1, 4.19.0+turnbuild-1',
    '  jammy: loses 4.18.0+turnbuild-1',
    '  create  2.0 KiB  coturn_1_amd64.deb',
    '  reuse   4.0 KiB  coturn_1_arm64.deb',
    '  write   1.0 KiB  2 other files (--verbose lists them)',
    '  point            apt/dists/trixie/InRelease',
    '  about 3.0 KiB to store',
  ]);
});

it('a destination is shown with every file with --verbose', () => {
  const lines = renderDestination(DESTINATION, [], true);
  for (const { path } of ACTIONS) expect(lines.some((line) => line.endsWith(path))).toBe(true);
});

it('a destination that has everything says so', () => {
  const actions = ACTIONS.map((action) => ({ ...action, do: 'reuse' as const }));
  expect(renderDestination({ ...DESTINATION, actions }, [], false).at(-1)).toBe('  Nothing to change.');
});

it('of the changes being made, those of packages and pointers are shown', () => {
  expect(ACTIONS.map((action) => renderAction(action, false))).toEqual([
    'create coturn_1_amd64.deb',
    'reuse coturn_1_arm64.deb',
    undefined,
    undefined,
    'point apt/dists/trixie/InRelease',
  ]);
  expect(renderAction(ACTIONS[3], true)).toBe('replace key.asc');
});
