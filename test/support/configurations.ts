import { readFileSync } from 'node:fs';
import { configurationOf } from '../../src/config/configuration.ts';
import type { Finding, LintContext } from '../../src/config/finding.ts';
import type { Forgotten } from '../../src/config/forgotten-peers.ts';
import { lintConfig } from '../../src/config/lint.ts';
import { knownReading } from '../../src/config/option-catalogue.ts';
import { parseOptionList } from '../../src/config/option-table.ts';
import { forgottenPeers } from '../../src/config/peers.ts';
import { parseSettings } from '../../src/config/settings.ts';
import { loadStrength } from '../../src/config/strength.ts';
import { renderTemplate } from '../../src/packaging/template.ts';
import { type Layout, packageLayout, TARBALL_LAYOUT } from '../../src/plan/layout.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Options of the real turnserver 4.6.1 with Prometheus and of Debian's 4.18.0 without, read from the programs. */
export const CONTEXTS = {
  '4.6.1': {
    version: '4.6.1',
    options: parseOptionList(read('test/fixtures/verified-4.6.1/options.txt')),
  },
  '4.18.0': {
    version: '4.18.0',
    options: parseOptionList(read('test/fixtures/option-tables/4.18.0-debian.txt')),
  },
} satisfies Record<string, LintContext>;

export type KnownVersion = keyof typeof CONTEXTS;

/** The configuration that a package of this version ships, by default a .deb's. */
export function shippedConfiguration(version: KnownVersion, layout: Layout = packageLayout('deb')): string {
  return renderTemplate(read('recipes/packaging/common/turnserver.conf'), {
    values: { version, minPort: 49152, maxPort: 65534, ports: 16383, nofile: 34766, ...layout },
    options: new Set(
      CONTEXTS[version].options
        .map(({ name }) => name)
        .filter((name) => knownReading(name, version) !== 'none'),
    ),
    metrics: new Set(),
    features: new Set(layout === TARBALL_LAYOUT ? ['relocatable'] : []),
  });
}

/** A file of comments with these settings by line number. */
export function commentedFile(lines: number, settings: Record<number, string>): string {
  return Array.from({ length: lines }, (_, index) => settings[index + 1] ?? '#').join('\n');
}

const strength = await loadStrength();

/** With estimates of secrets, like the command. */
export function lintWith(text: string, context: LintContext): Finding[] {
  return lintConfig(text, context, { strength });
}

export function lintFor(version: KnownVersion, text: string): Finding[] {
  return lintWith(text, CONTEXTS[version]);
}

/** Peers that no denied range covers, by kind. */
export function forgottenFor(version: KnownVersion, text: string): Forgotten[] {
  const context = CONTEXTS[version];
  return forgottenPeers(configurationOf(parseSettings(text), context), context);
}

/** `LINE LEVEL RULE` of each finding, with `-` if it has no line. */
export function summaries(findings: readonly Finding[]): string[] {
  return findings.map(({ line, level, rule }) => `${line ?? '-'} ${level} ${rule}`);
}
