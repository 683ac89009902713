import { expect, test } from 'vitest';
import { renderSummary } from '../../../src/ui/summary.ts';
import { fixture } from './manifest-fixture.ts';

const options = { dir: '/srv/dist/4.6.1-1', columns: 80, color: false };

test('each package has its line with size and checks, and its whole hash below', () => {
  const manifest = fixture();
  const lines = renderSummary(manifest, options).split('\n');
  for (const file of manifest.steps.flatMap((step) => step.outputs).filter((o) => o.kind === 'deb')) {
    const at = lines.findIndex((line) => line.startsWith(file.path));
    expect(lines[at]).toMatch(/\d+\.\d KiB {2}2[01]\/21 passed/);
    expect(lines[at + 1]).toBe(`  sha256 ${file.sha256}`);
  }
});

test('without colour every line is plain ASCII and fits into 80 columns', () => {
  for (const failing of [false, true]) {
    for (const line of renderSummary(fixture({ failing }), options).split('\n')) {
      expect(line).toMatch(/^[\x20-\x7e]*$/);
      expect(line.length).toBeLessThanOrEqual(80);
    }
  }
});

test('a narrow terminal gets the beginning of the hash and is told where the rest is', () => {
  const text = renderSummary(fixture(), { ...options, columns: 60 });
  expect(text).toMatch(/ {2}sha256 [0-9a-f]{16}\.\.\.\n/);
  expect(text).toContain('The full hashes are in the report.');
});

test('the figures scraped from each package stand side by side', () => {
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

test('every advisory is there with its severity and fix', () => {
  const manifest = fixture();
  const text = renderSummary(manifest, options);
  for (const advisory of manifest.advisories) {
    expect(text).toMatch(
      new RegExp(`${advisory.severity} +${advisory.id} +${advisory.fixed.replaceAll('.', '\\.')}`),
    );
  }
});

test('the end says where the files and the report lie', () => {
  const text = renderSummary(fixture(), { ...options, dir: '/srv/dist/4.6.1-1/' });
  expect(text).toMatch(/\nReport {2}\/srv\/dist\/4\.6\.1-1\/report\.html\n$/);
});

test('colour adds only colour', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is taken out
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
