import { usageError } from '../errors.ts';
import type { Io } from '../io/index.ts';
import { shownUrl } from '../io/shown-url.ts';
import type { Quarantine } from '../recipe/advisories.ts';
import type { LockFiles } from './lock-file.ts';

/** What the sources of a version are looked for with. */
export interface SourceContext {
  options: {
    source?: string;
    sha256?: string;
    updateLock?: boolean;
    allowQuarantined?: boolean;
    dryRun?: boolean;
    /** Nothing is built of them, so that they need not be pinned. */
    unpinned?: boolean;
  };
  recipes: { quarantine: readonly Quarantine[] };
  locks: LockFiles;
  io: Pick<Io, 'files' | 'lockFolder' | 'signal'>;
  cache: string;
  mirrors: { debian?: string | undefined };
}

/** What --source means: a provider's name, an address, or else a file. */
export function parseSource(word: string): {
  provider: 'github' | 'debian' | 'file' | 'url';
  location: string;
} {
  if (word === 'github' || word === 'debian') return { provider: word, location: word };
  const address = word.trim();
  const isHttp = /^https?:/i.test(address);
  if (isHttp && URL.canParse(address)) return { provider: 'url', location: address };
  if (isHttp || /^[a-z][a-z\d+.-]*:\/\//i.test(address))
    throw usageError(
      'OPTION_INVALID',
      `--source takes an http or https address, not "${shownUrl(word)}"`,
      'Also github, debian, or the path of a tarball.',
    );
  return { provider: 'file', location: word };
}

/** A digest in lower case, or a usage error. */
export function sha256Option(word: string | undefined): string | undefined {
  if (word === undefined || /^[0-9a-f]{64}$/i.test(word)) return word?.toLowerCase();
  throw usageError('OPTION_INVALID', '--sha256 takes 64 hexadecimal digits');
}
