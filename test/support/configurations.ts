import { readFileSync } from 'node:fs';
import type { Finding, LintContext } from '../../src/config/finding.ts';
import { lintConfig } from '../../src/config/lint.ts';
import { parseOptionList } from '../../src/config/option-table.ts';
import { type Layout, layoutOf, TARBALL_LAYOUT } from '../../src/plan/layout.ts';
import { renderTemplate } from '../../src/plan/template.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const REMOVED = [{ option: 'no-loopback-peers', removed: '4.5.1', note: 'it is the default' }];

/** The real turnserver 4.6.1 with Prometheus, and Debian's 4.18.0 without, both read off the programs. */
export const CONTEXTS = {
  '4.6.1': {
    version: '4.6.1',
    options: parseOptionList(read('test/fixtures/verified-4.6.1/options.txt')),
    removed: REMOVED,
  },
  '4.18.0': {
    version: '4.18.0',
    options: parseOptionList(read('test/fixtures/option-tables/4.18.0-debian.txt')),
    removed: REMOVED,
  },
} satisfies Record<string, LintContext>;

export type KnownVersion = keyof typeof CONTEXTS;

/** The configuration that a package of this version ships; a .deb's, if no other layout is given. */
export function shippedConfiguration(version: KnownVersion, layout: Layout = layoutOf('deb')): string {
  return renderTemplate(read('recipes/packaging/common/turnserver.conf'), {
    values: { version, minPort: 49152, maxPort: 65534, ports: 16383, nofile: 34766, ...layout },
    options: new Set(CONTEXTS[version].options.map(({ name }) => name)),
    metrics: new Set(),
    features: new Set(layout === TARBALL_LAYOUT ? ['relocatable'] : []),
  });
}

/** A file of comments with these settings, by the number of their line. */
export function commentedFile(lines: number, settings: Record<number, string>): string {
  return Array.from({ length: lines }, (_, index) => settings[index + 1] ?? '#').join('\n');
}

export function lintFor(version: KnownVersion, text: string): Finding[] {
  return lintConfig(text, CONTEXTS[version]);
}

/** `LINE LEVEL RULE` of each finding, `-` for what has no line. */
export function summaries(findings: readonly Finding[]): string[] {
  return findings.map(({ line, level, rule }) => `${line ?? '-'} ${level} ${rule}`);
}
