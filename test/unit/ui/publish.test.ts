import { expect, it } from 'vitest';
import { renderAction, renderDestination } from '../../../src/ui/publish.ts';

const ACTIONS = [
  { do: 'create', path: 'apt/pool/main/c/coturn/coturn_1_amd64.deb', size: 2048, file: 'coturn_1_amd64.deb' },
  { do: 'reuse', path: 'apt/pool/main/c/coturn/coturn_1_arm64.deb', size: 4096, file: 'coturn_1_arm64.deb' },
  { do: 'create', path: 'apt/dists/trixie/main/binary-amd64/by-hash/SHA256/abc', size: 1000 },
  { do: 'replace', path: 'key.asc', size: 24 },
  { do: 'point', path: 'apt/dists/trixie/InRelease' },
] as const;
const DESTINATION = { to: 'apt', where: '/srv/packages', channel: 'stable', key: 'KEY', actions: ACTIONS };

it('a destination is shown with its packages and pointers', () => {
  expect(renderDestination(DESTINATION, false)).toEqual([
    'apt: channel stable of /srv/packages',
    '  signed by KEY',
    '  create  2.0 KiB  coturn_1_amd64.deb',
    '  reuse   4.0 KiB  coturn_1_arm64.deb',
    '  write   1.0 KiB  2 files: indices, keys',
    '  point            apt/dists/trixie/InRelease',
    '  3.0 KiB to send',
  ]);
});

it('a destination is shown with every file with --verbose', () => {
  const lines = renderDestination(DESTINATION, true);
  for (const { path } of ACTIONS) expect(lines.some((line) => line.endsWith(path))).toBe(true);
});

it('a destination that has everything says so', () => {
  const actions = ACTIONS.map((action) => ({ ...action, do: 'reuse' as const }));
  expect(renderDestination({ ...DESTINATION, actions }, false).at(-1)).toBe('  Nothing to change.');
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
