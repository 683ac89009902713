import { usageError } from '../../errors.ts';
import { shownUrl } from '../shown-url.ts';

/** Parameters of a request. */
export type Query = Readonly<Record<string, string>>;

/** An address with parameters. Spaces become %20, because a plus sign would be ambiguous. */
export function withQuery(url: string, query: Query): string {
  const parameters = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return parameters.length === 0 ? url : `${url}?${parameters.join('&')}`;
}

/**
 * Encodes an object's name for the path of a URL, as "Encoding URL path parts" of Cloud Storage requires. encodeURIComponent leaves five of
 * the reserved characters.
 */
export function encodedName(name: string): string {
  return encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * The address of an emulator, in the form that Google's client libraries accept, with or without a scheme.
 * @param word STORAGE_EMULATOR_HOST
 * @throws OPTION_INVALID
 */
export function emulatorOf(word: string | undefined): string | undefined {
  if (word === undefined || word === '') return undefined;
  const address = /^https?:\/\//.test(word) ? word : `http://${word}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && url.pathname === '/' && url.search === '') return url.origin;
  throw usageError(
    'OPTION_INVALID',
    `Invalid STORAGE_EMULATOR_HOST "${shownUrl(word)}": expected http://HOST:PORT`,
    'Unset it to use Google Cloud Storage.',
  );
}
