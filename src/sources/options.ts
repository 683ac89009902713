import { usageError } from '../errors.ts';
import type { Io } from '../io/index.ts';
import { shownUrl } from '../io/shown-url.ts';
import type { Quarantine } from '../recipe/advisories.ts';
import type { LockFiles } from './lock-file.ts';

/** Everything that is needed to resolve the sources of a version. */
export interface SourceContext {
  options: {
    source?: string;
    sha256?: string;
    updateLock?: boolean;
    allowQuarantined?: boolean;
    dryRun?: boolean;
    /** The sources need not be pinned, because nothing is built from them. */
    unpinned?: boolean;
  };
  recipes: { quarantine: readonly Quarantine[] };
  locks: LockFiles;
  io: Pick<Io, 'files' | 'lockFolder' | 'signal'>;
  cache: string;
  mirrors: { debian?: string | undefined };
  output: { line: (text: string) => void };
}

/** Parses --source: a provider's name, a URL, or else a file. */
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
      `Invalid --source "${shownUrl(word)}": expected an http or https URL`,
      'Other values are github, debian, or the path of a tarball.',
    );
  return { provider: 'file', location: word };
}

/** A digest in lower case, or a usage error. */
export function sha256Option(word: string | undefined): string | undefined {
  if (word === undefined || /^[0-9a-f]{64}$/i.test(word)) return word?.toLowerCase();
  throw usageError('OPTION_INVALID', 'Invalid --sha256: expected 64 hexadecimal digits');
}
