import { readdirSync, readFileSync } from 'node:fs';
import { type PackageFacts, parseFacts } from '../../src/checks/facts.ts';
import { packageFacts } from './package-facts.ts';

// Recorded facts of a verification of coturn 4.6.1 for debian-13 on x86_64.
const folder = new URL('../fixtures/verified-4.6.1/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, folder), 'utf8');

const firstWords = (path: string) =>
  new Set(
    read(path)
      .split('\n')
      .map((line) => line.split(' ')[0] ?? ''),
  );

/** The documents of a package by the names of their facts. Upstream's changelog is cut to its first lines. */
export function documentsOf(verified: URL): Record<string, string> {
  const documents = new URL('inspect/documents/', verified);
  return Object.fromEntries(
    readdirSync(documents).map((name) => [
      `document:${name}`,
      readFileSync(new URL(name, documents), 'utf8'),
    ]),
  );
}

/** Facts that pass every check except those of the files and the laboratory. */
export function goodFacts(): PackageFacts {
  return packageFacts({
    packageVersion: '4.6.1+turnbuild-1~deb13',
    inspected: {
      ...documentsOf(folder),
      contents: read('inspect/contents.txt'),
      lintian: read('inspect/lintian.txt'),
      lintianExit: '2\n',
      unread: '',
      systemd: read('inspect/systemd.txt'),
      units: 'd\t/usr/lib/systemd/system\nf\t/usr/lib/systemd/system/coturn.service\n',
      unit: read('inspect/coturn.service'),
      configuration: read('inspect/turnserver.conf'),
      rules: read('inspect/coturn.rules.yml'),
      rulesTest: read('inspect/coturn.rules.test.yml'),
      dashboard: read('inspect/grafana-dashboard.json'),
      promtool: read('inspect/promtool.txt'),
    },
    values: parseFacts(read('verify/facts.txt')),
    files: new Map(readdirSync(new URL('verify/', folder)).map((name) => [name, read(`verify/${name}`)])),
    options: firstWords('options.txt'),
    sourceMetrics: firstWords('metrics.txt'),
  });
}

/** Facts with one changed value, file or inspected text. */
export const withValue = (name: string, value: string): PackageFacts => ({
  ...goodFacts(),
  values: new Map([...goodFacts().values, [name, value]]),
});
export const withFile = (name: string, change: (text: string) => string): PackageFacts => {
  const facts = goodFacts();
  return { ...facts, files: new Map([...facts.files, [name, change(facts.files.get(name) ?? '')]]) };
};
export const withInspected = (name: string, change: (text: string) => string): PackageFacts => {
  const facts = goodFacts();
  return { ...facts, inspected: { ...facts.inspected, [name]: change(facts.inspected[name] ?? '') } };
};
export const withoutFile = (name: string): PackageFacts => ({
  ...goodFacts(),
  files: new Map([...goodFacts().files].filter(([each]) => each !== name)),
});
