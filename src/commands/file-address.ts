import { relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A file's URI: relative within the working directory, so that reports are the same on every machine. */
export function addressOf(file: string): string {
  const path = relative(process.cwd(), file);
  const outside = path === '' || path.startsWith('..');
  return outside ? pathToFileURL(file).href : path.split(sep).map(encodeURIComponent).join('/');
}
