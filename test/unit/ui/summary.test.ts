import { expect, test } from 'vitest';
import { renderSummary } from '../../../src/ui/summary.ts';
import { fixture, withImages, withSteps } from './manifest-fixture.ts';

const options = { dir: '/srv/dist/4.6.1-1', columns: 80, color: false };

test('each package has a line with size and checks, and its full hash below', () => {
  const manifest = fixture();
  const lines = renderSummary(manifest, options).split('\n');
  for (const file of manifest.steps.flatMap((step) => step.outputs).filter((o) => o.kind === 'deb')) {
    const at = lines.findIndex((line) => line.startsWith(file.path));
    expect(lines[at]).toMatch(/\d+\.\d KiB {2}2[01]\/21 passed/);
    expect(lines[at + 1]).toBe(`  sha256 ${file.sha256}`);
  }
});

test('without colour every line is plain ASCII and fits 80 columns', () => {
  for (const failing of [false, true]) {
    for (const line of renderSummary(fixture({ failing }), options).split('\n')) {
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      expect(line.length).toBeLessThanOrEqual(80);
    }
  }
});

test('a narrow terminal shows the beginning of each hash, and refers to the report', () => {
  const text = renderSummary(fixture(), { ...options, columns: 60 });
  expect(text).toMatch(/ {2}sha256 [0-9a-f]{16}\.\.\.\n/);
  expect(text).toContain('The full hashes are in the report.');
});

test('the figures scraped from a package are in one row', () => {
  const row = renderSummary(fixture(), options)
    .split('\n')
    .find((line) => line.startsWith('debian-12 / arm64'));
  expect(row?.split(/\s{2,}/)).toEqual(['debian-12 / arm64', '800', '800', '160,000', '160,000', '0']);
});

test('a failure is named with its package, check and message', () => {
  const text = renderSummary(fixture({ failing: true }), options);
  expect(text).toMatch(/^coturn 4\.6\.1\+turnbuild-1: 4 packages, FAILED\n/);
  expect(text.replace(/\s+/g, ' ')).toContain(
    'debian-13 / arm64: Metrics agree with the traffic (metrics-agree): turn_total_traffic_peer_sentp grew by 797',
  );
  expect(text).toContain('19/21 passed, 1 FAILED, 1 not run\n');
});

test.each<[string, Parameters<typeof withSteps>[1], string]>([
  ['packages without checks', () => ({ checks: [] }), 'NOT VERIFIED'],
  ['passed packages', () => undefined, 'every check that ran passed'],
])('the first line has the verdict on %s', (_, edit, verdict) =>
  expect(renderSummary(withSteps(fixture(), edit), options)).toMatch(
    new RegExp(`^coturn 4\\.6\\.1\\+turnbuild-1: 4 packages, ${verdict}\n\n`),
  ),
);

test('a package without checks is marked, and one without figures has no row', () => {
  const bare = withSteps(fixture(), ({ target }) =>
    target === 'debian-12' ? { checks: [], metrics: {} } : undefined,
  );
  const text = renderSummary(bare, options);
  expect(text).toMatch(/\nPACKAGE +SIZE {2}CHECKS\n/);
  expect(text).toMatch(/_arm64\.deb +\d+\.\d KiB {2}none ran\n/);
  expect(text).toMatch(/_amd64\.deb +\d+\.\d KiB {2}21\/21 passed\n/);
  expect(text).not.toContain('debian-12 / arm64');
  expect(text).toContain('debian-13 / arm64');
  const none = renderSummary(
    withSteps(fixture(), () => ({ metrics: {} })),
    options,
  );
  expect(none).not.toContain('PROMETHEUS');
});

test('a missing figure is shown as a dash', () => {
  const metrics = { turn_total_allocations: 2 };
  const text = renderSummary(
    withSteps(fixture(), () => ({ metrics })),
    options,
  );
  const row = text.split('\n').find((line) => line.startsWith('debian-12 / arm64'));
  expect(row?.split(/\s{2,}/)).toEqual(['debian-12 / arm64', '-', '-', '-', '-', '2']);
});

test('a table that does not fit becomes a list, and one that fits exactly does not', () => {
  const table = renderSummary(fixture(), { ...options, columns: 200 }).split('\n');
  const rows = table.filter((line) => /^PACKAGE|\.deb /.test(line));
  const width = Math.max(...rows.map((line) => line.length));
  const at = (columns: number) => renderSummary(fixture(), { ...options, columns });
  expect(at(width)).toContain(`\n${rows[1]}\n`);
  expect(at(width - 1)).toMatch(/\nPACKAGES\ncoturn_\S+\.deb\n {2}341\.6 KiB, 20\/21 passed, 1 not run\n/);
});

test.each([
  [73, true],
  [72, false],
])('a full hash fits %i columns: %s', (columns, whole) => {
  const text = renderSummary(fixture(), { ...options, columns });
  expect(text.includes('The full hashes')).toBe(!whole);
  expect(/ {2}sha256 [0-9a-f]{64}\n/.test(text)).toBe(whole);
});

test('without packages there is neither a table nor a gap', () => {
  const text = renderSummary({ ...fixture(), steps: [], advisories: [] }, options);
  expect(text).toMatch(/^coturn 4\.6\.1\+turnbuild-1: 0 packages, NOT VERIFIED\n\nFiles {3}/);
});

test('a package is named without its folder', () => {
  const moved = withSteps(fixture(), ({ outputs }) => ({
    outputs: outputs.map((file) => ({ ...file, path: `deep/down/${file.path}` })),
  }));
  expect(renderSummary(moved, options)).toBe(renderSummary(fixture(), options));
});

test('a failed step has its reason and log, unless its checks explain it', () => {
  const failing = withSteps(fixture({ failing: true }), ({ id }) => {
    if (id === 'build-debian-12-arm64') return { status: 'failed', error: 'no compiler\nline 2' };
    return id === 'package-debian-12-arm64' ? { status: 'failed', log: undefined } : undefined;
  });
  const text = renderSummary(failing, { ...options, columns: 200 });
  expect(text).toMatch(/step build-debian-12-arm64: no compiler; log: logs\/build-debian-12-arm64\.log\n/);
  expect(text).toMatch(/step package-debian-12-arm64: no message\n/);
  expect(text).not.toContain('step verify');
  expect(renderSummary(fixture(), options)).not.toContain('Failures');
});

test('a long message continues on an indented line', () => {
  const text = renderSummary(fixture({ failing: true }), options);
  expect(text).toMatch(/\n {2}- debian-13 \/ arm64: [^\n]*\n {4}\S/);
});

test.each([
  ['32', {}, /every check/],
  ['31', { failing: true }, /FAILED/],
])('in colour, the verdict has the colour %s', (code, state, verdict) => {
  const [title = ''] = renderSummary(fixture(state), { ...options, color: true }).split('\n');
  expect(title.split('\u001b').at(-2)).toMatch(new RegExp(`^\\[${code}m.*${verdict.source}`));
});

test('in colour, only a failed package is red', () => {
  const lines = renderSummary(fixture({ failing: true }), { ...options, columns: 120, color: true }).split(
    '\n',
  );
  const red = lines.filter((line) => line.startsWith('\u001b[31mcoturn_'));
  expect(red).toHaveLength(1);
  expect(red[0]).toContain('1 FAILED');
});

test('the summary says how many advisories the shipped configuration exposes, and names them', () => {
  const [first, second, ...rest] = fixture().advisories.map(({ id }) => id);
  const summaryWith = (states: Record<string, 'exposed' | 'not-exposed' | 'unknown'>) => {
    const exposures = Object.fromEntries(
      Object.entries(states).map(([id, state]) => [id, { state, reason: 'because' }]),
    );
    const manifest = withSteps(fixture(), ({ stage }) => (stage === 'package' ? { exposures } : undefined));
    return renderSummary(manifest, options).replace(/\s+/g, ' ');
  };
  const none = Object.fromEntries([first, second, ...rest].map((id) => [id, 'not-exposed' as const]));
  expect(summaryWith(none)).toContain(
    'The shipped configuration exposes none of them. See the report for the reasons.',
  );
  expect(summaryWith({ ...none, [`${first}`]: 'exposed', [`${second}`]: 'unknown' })).toContain(
    `The shipped configuration exposes 1 of them: ${first}. Whether it exposes 1 other is unknown. See the report for the reasons.`,
  );
});

test('every advisory is listed with its severity and fix', () => {
  const manifest = fixture();
  const text = renderSummary(manifest, options);
  for (const advisory of manifest.advisories) {
    expect(text).toMatch(
      new RegExp(`${advisory.severity} +${advisory.id} +${advisory.fixed.replaceAll('.', '\\.')}`),
    );
  }
});

test('the last lines are the paths of the files and the report', () => {
  const text = renderSummary(fixture(), { ...options, dir: '/srv/dist/4.6.1-1/' });
  expect(text).toMatch(
    /\nFiles {3}\/srv\/dist\/4\.6\.1-1\/\nReport {2}\/srv\/dist\/4\.6\.1-1\/report\.html\n$/,
  );
});

test('colour does not change the text', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches the escape sequences to remove
  const plain = renderSummary(fixture(), { ...options, color: true }).replace(/\u001b\[\d+m/g, '');
  const lines = (text: string): string[] => text.split('\n').map((line) => line.trimEnd());
  expect(lines(plain)).toEqual(lines(renderSummary(fixture(), options)));
});

test('a manifest cannot send control sequences to the terminal', () => {
  const manifest = fixture({ failing: true });
  const text = renderSummary(
    { ...manifest, steps: manifest.steps.map((s) => ({ ...s, error: 'x\u001b]0;owned\u0007' })) },
    options,
  );
  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('\u0007');
});

test('machine images are counted and listed apart from packages', () => {
  const text = renderSummary(withImages(), options);
  expect(text).toMatch(
    /^coturn 4\.6\.1\+turnbuild-1: 4 packages, 2 machine images, every check that ran passed\n/,
  );
  expect(text).toMatch(
    /\nIMAGE +SIZE {2}CHECKS\ncoturn-4\.6\.1-1-aws-arm64\.raw\.zst +1\.0 KiB {2}21\/21 passed\n {2}sha256 \w{64}\ncoturn-4\.6\.1-1-gce-arm64/,
  );
  expect(text.slice(0, text.indexOf('IMAGE'))).not.toContain('raw.zst');
  const narrow = renderSummary(withImages(), { ...options, columns: 50 });
  expect(narrow.match(/The full hashes/g)).toHaveLength(1);
  expect(narrow).toContain('\nIMAGES\ncoturn-4.6.1-1-aws-arm64.raw.zst\n');
});
