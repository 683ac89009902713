import { SECRET_VARIABLES } from '../exec.ts';
import { shownUrl } from '../shown-url.ts';

const REDACTED = 'REDACTED';
/** Anything shorter could be a part of an ordinary word. */
const MIN_SECRET = 8;
/** A service's message is one sentence. */
const MAX_MESSAGE = 400;

/**
 * A service's message without what could be secret: queries of URLs (a session URI permits an upload), tokens, keys, and other long words.
 */
export function withoutSecrets(message: string): string {
  const known = SECRET_VARIABLES.flatMap((name) => process.env[name]?.trim() || []);
  return known
    .filter((secret) => secret.length >= MIN_SECRET)
    .reduce((text, secret) => text.replaceAll(secret, REDACTED), message)
    .replace(/-----BEGIN [\s\S]*?(?:-----END [A-Z ]+-----|$)/g, REDACTED)
    .replace(/https?:\/\/[^\s"'<>]+/g, (url) => shownUrl(url))
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`)
    .replace(/\bupload_id=[^\s&"']+/g, `upload_id=${REDACTED}`)
    .replace(/\b(?:ya29\.|eyJ)[\w.~+/=-]+/g, REDACTED)
    .replace(/\b(?:gh[a-z]_|github_pat_)\w+/g, REDACTED)
    .replace(/[\w+/=-]{48,}/g, REDACTED)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_MESSAGE);
}
