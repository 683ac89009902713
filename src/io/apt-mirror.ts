import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Addresses of the Debian archives in an apt configuration. */
export interface AptMirrors {
  debian?: string;
  security?: string;
}

const SUITES =
  /^(bullseye|bookworm|trixie|forky|duke|sid|unstable|testing|stable|oldstable)(-updates|-proposed-updates|-backports)?$/;
const SECURITY_SUITES = /^(bullseye|bookworm|trixie|forky|duke|testing|stable|oldstable)-security$/;

/**
 * Reads where this machine gets Debian's packages from, in either format of sources.list(5). turnbuild knows no mirror of
 * its own: what apt is configured to trust is what is used.
 */
export async function readAptMirrors(options: { root?: string } = {}): Promise<AptMirrors> {
  const root = options.root ?? '/etc/apt';
  const parts = join(root, 'sources.list.d');
  const names = (await readdir(parts).catch(() => [])).sort().map((name) => join(parts, name));
  const mirrors: AptMirrors = {};
  for (const file of [join(root, 'sources.list'), ...names]) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const entries = file.endsWith('.sources')
      ? deb822Entries(text)
      : file.endsWith('.list')
        ? listEntries(text)
        : [];
    for (const { uri, suite } of entries) {
      if (!/^https?:\/\//.test(uri)) continue;
      if (SUITES.test(suite)) mirrors.debian ??= uri;
      if (SECURITY_SUITES.test(suite)) mirrors.security ??= uri;
    }
  }
  return mirrors;
}

interface Entry {
  uri: string;
  suite: string;
}

function listEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line.trim());
    return match?.[1] === undefined || match[2] === undefined
      ? []
      : [{ uri: trimSlash(match[1]), suite: match[2] }];
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
      new RegExp(`^${name}:[ \\t]*((?:.*(?:\\n[ \\t]+.*)*))`, 'im')
        .exec(stanza)?.[1]
        ?.split(/\s+/)
        .filter(Boolean) ?? [];
    if (/^(no|false|without|off|0)$/i.test(field('Enabled')[0] ?? 'yes')) return [];
    return field('URIs').flatMap((uri) => field('Suites').map((suite) => ({ uri: trimSlash(uri), suite })));
  });
}

const trimSlash = (uri: string) => uri.replace(/\/+$/, '');
