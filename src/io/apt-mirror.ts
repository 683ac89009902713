import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Mirrors of the Debian archive that an apt configuration uses. */
export interface AptMirrors {
  debian?: string;
  security?: string;
}

const SUITES =
  /^(bullseye|bookworm|trixie|forky|duke|sid|unstable|testing|stable|oldstable)(-updates|-proposed-updates|-backports)?$/;
const SECURITY_SUITES = /^(bullseye|bookworm|trixie|forky|duke|testing|stable|oldstable)-security$/;

/**
 * Reads the Debian mirrors of a machine or an image from apt's configuration, in either format of sources.list(5). turnbuild has no
 * built-in mirror; it uses those that apt is configured to trust.
 * @param options.root the configuration; /etc/apt by default
 */
export async function readAptMirrors(options: { root?: string } = {}): Promise<AptMirrors> {
  const mirrors: AptMirrors = {};
  for (const { uri, suite } of await readEntries(options.root)) {
    if (!/^https?:\/\//.test(uri)) continue;
    if (SUITES.test(suite)) mirrors.debian ??= uri;
    if (SECURITY_SUITES.test(suite)) mirrors.security ??= uri;
  }
  return mirrors;
}

/** Where an apt configuration gets the packages of a suite from; undefined if it does not use the suite. */
export async function readAptAddress(
  suite: string,
  options: { root?: string } = {},
): Promise<string | undefined> {
  const entries = await readEntries(options.root);
  return entries.find((entry) => entry.suite === suite && /^https?:\/\//.test(entry.uri))?.uri;
}

/** The suites whose main component is enabled on this machine, e.g. `bookworm` and `bookworm-security`. */
export async function readAptSuites(options: { root?: string } = {}): Promise<Set<string>> {
  const entries = await readEntries(options.root);
  return new Set(
    entries
      .filter(({ binary, components }) => binary && components.includes('main'))
      .map(({ suite }) => suite),
  );
}

interface Entry {
  uri: string;
  suite: string;
  /** A `deb` entry rather than `deb-src`. */
  binary: boolean;
  components: readonly string[];
}

async function readEntries(root = '/etc/apt'): Promise<Entry[]> {
  const parts = join(root, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).sort().map((name) => join(parts, name));
  const entries: Entry[] = [];
  for (const file of [join(root, 'sources.list'), ...names]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.sources')) entries.push(...deb822Entries(text));
    else if (file.endsWith('.list')) entries.push(...listEntries(text));
  }
  return entries;
}

function listEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb(-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line.trim());
    const [, source, uri, suite, components = ''] = match ?? [];
    if (uri === undefined || suite === undefined) return [];
    return [{ uri: trimSlash(uri), suite, binary: source === undefined, components: words(components) }];
  });
}

function deb822Entries(text: string): Entry[] {
  const stanzas = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const field = (name: string) =>
      words(new RegExp(`^${name}:[ \\t]*((?:.*(?:\\n[ \\t]+.*)*))`, 'im').exec(stanza)?.[1] ?? '');
    if (/^(no|false|without|off|0)$/i.test(field('Enabled')[0] ?? 'yes')) return [];
    const more = { binary: field('Types').includes('deb'), components: field('Components') };
    return field('URIs').flatMap((uri) =>
      field('Suites').map((suite) => ({ uri: trimSlash(uri), suite, ...more })),
    );
  });
}

const words = (text: string) => text.split(/\s+/).filter(Boolean);

const trimSlash = (uri: string) => uri.replace(/\/+$/, '');
